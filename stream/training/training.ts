/**
 * One training: reads its rows from a stream, hands them to a thread, tells each epoch, and puts the model in force at the end. Runs
 * wherever streams run; nothing here blocks.
 */
import type { Worker } from 'node:worker_threads'
import { StreamError } from '../errors.ts'
import type { StreamErrorParts } from '../errors.ts'
import type { ModelArtifact } from '../models/artifact.ts'
import type { ModelTable } from '../models/model-table.ts'
import { writeModel } from '../models/write-model.ts'
import { startThread } from '../models/worker-file.ts'
import { vectorOf } from '../scoring/score-rows.ts'
import type { RowSource } from '../targets/runtime.ts'
import type { Epoch, TrainSpec } from './spec.ts'
import type { FromTraining, TrainingData } from './training-worker.ts'

export interface TrainingAround {
  readonly models: ModelTable
  /** Rows of the loss curve. */
  epoch(row: Epoch): Promise<void>
  /** No more of them. */
  over(): Promise<void>
  /** A line for the cell. */
  tell(text: string): void
}

export class Training {
  readonly spec: TrainSpec
  private readonly around: TrainingAround
  private readonly source: RowSource
  private worker: Worker | undefined
  private newest: { readonly artifact: ModelArtifact; readonly epoch: number } | undefined
  private ended = false
  private refused = 0

  constructor(spec: TrainSpec, source: RowSource, around: TrainingAround) {
    this.spec = spec
    this.source = source
    this.around = around
    void this.run()
  }

  private async run(): Promise<void> {
    try {
      const rows = await this.collect()
      if (!this.ended) this.begin(rows)
    } catch (error) {
      await this.fail(error instanceof StreamError ? error.toJSON() : this.broken((error as Error).message))
    }
  }

  /** Rows without a number for each field are left out and counted. */
  private async collect(): Promise<Float64Array> {
    const { features, target, rows: wanted } = this.spec
    const fields = target === undefined ? features : [...features, target]
    const values: number[] = []
    let first: string | undefined
    try {
      while (values.length < wanted * fields.length && !this.ended) {
        const chunk = await this.source.next()
        if (chunk === null) break
        for (const row of chunk.rows) {
          if (values.length >= wanted * fields.length) break
          try {
            values.push(...vectorOf(row, fields, 'row'))
          } catch (error) {
            this.refused++
            first ??= (error as Error).message
          }
        }
        if (values.length === 0 && this.refused >= 100)
          throw new StreamError({
            code: 'TRAINING_FAILED',
            message: `Cannot train model "${this.spec.name}": none of the first ${this.refused} rows can be used`,
            detail: first,
          })
      }
    } finally {
      await this.source.close()
    }
    if (this.refused > 0) this.around.tell(`${this.spec.name}: ${this.refused} rows are left out: ${first}\n`)
    return Float64Array.from(values)
  }

  private begin(rows: Float64Array): void {
    const data: TrainingData = { spec: this.spec, rows }
    const worker = startThread('stream/training/training-worker', { workerData: data, stdout: true, stderr: true })
    this.worker = worker
    // What the function of a user prints while it builds the model.
    worker.stdout.on('data', (chunk: Buffer) => this.around.tell(chunk.toString()))
    worker.stderr.on('data', (chunk: Buffer) => this.around.tell(chunk.toString()))
    worker.on('message', (message: FromTraining) => void this.receive(message))
    worker.on('error', (error: Error) => void this.fail(this.broken(error.message)))
    worker.on('exit', () => void this.fail(this.broken('its thread ended')))
  }

  private async receive(message: FromTraining): Promise<void> {
    if (this.ended) return
    if (message.type === 'failed') return this.fail(message.error)
    if (message.type === 'done') return this.finish(message.artifact)
    const { epoch, artifact } = message
    if (artifact !== undefined) this.newest = { artifact, epoch: epoch.epoch }
    this.around.models.progress(this.spec.name, { epoch: epoch.epoch, epochs: this.spec.epochs })
    await this.around.epoch(epoch)
  }

  private async finish(artifact: ModelArtifact): Promise<void> {
    this.ended = true
    await this.save(artifact)
    await this.around.models.define({ ...artifact, from: this.spec.from }, true)
    await this.worker?.terminate()
    await this.around.over()
  }

  /** A folder that cannot be written is told; the model is in force all the same. */
  private async save(artifact: ModelArtifact): Promise<void> {
    const { save, name } = this.spec
    if (save === undefined) return
    try {
      this.around.tell(`${name} is saved to ${await writeModel(artifact, save)}\n`)
    } catch (error) {
      this.around.tell(`${(error as Error).message}\n`)
    }
  }

  private async fail(error: StreamErrorParts): Promise<void> {
    if (this.ended) return
    this.ended = true
    this.around.models.fail(this.spec.name, error)
    this.around.tell(`${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}`)
    await this.worker?.terminate()
    await this.around.over()
  }

  /** Ends it now: what was learned in whole epochs stays and is used; without one there is no model. */
  async stop(): Promise<void> {
    if (this.ended) return
    const { newest, spec } = this
    if (newest === undefined) {
      await this.source.close()
      await this.fail({
        code: 'TRAINING_FAILED',
        message: `Cannot train model "${spec.name}": the training was stopped before its first epoch ended`,
        hint: 'Run its cell again',
      })
      return
    }
    this.around.tell(
      `Training of ${spec.name} was stopped after epoch ${newest.epoch} of ${spec.epochs}; the model is as of then\n`,
    )
    const training = { ...newest.artifact.training, epochs: newest.epoch }
    await this.finish({ ...newest.artifact, training })
  }

  /** Another training took its name: nothing of it counts any more. */
  async abandon(): Promise<void> {
    if (this.ended) return
    this.ended = true
    await this.source.close()
    await this.worker?.terminate()
    await this.around.over()
  }

  get over(): boolean {
    return this.ended
  }

  private broken(why: string): StreamErrorParts {
    return {
      code: 'TRAINING_FAILED',
      message: `Cannot train model "${this.spec.name}": ${why}`,
      hint: 'Run its cell again',
    }
  }
}
