/** A model in a thread of its own, asked as if it were here: rows go through shared memory, the caller waits on a flag. */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import type { MessagePort, Worker } from 'node:worker_threads'
import { StreamError } from '../errors.ts'
import type { ModelArtifact } from './artifact.ts'
import type { Predictor } from './predictor.ts'
import { startThread } from './worker-file.ts'
import { CELL_COUNT, CELLS } from './worker-protocol.ts'
import type { Answer, Ask, NumberedAsk, WorkerSettings } from './worker-protocol.ts'

/** A model that does not answer for so long is taken as dead. */
const patienceMs = 30_000

type Opened = Extract<Answer, { type: 'opened' }>

/** Starts the thread and loads the model; nothing here waits on a flag. @throws StreamError MODEL_INVALID, MODEL_UNSUPPORTED */
export async function openInWorker(artifact: ModelArtifact, backend: 'wasm' | 'cpu' = 'wasm'): Promise<Predictor> {
  const cells = new Int32Array(new SharedArrayBuffer(4 * CELL_COUNT))
  const { port1, port2 } = new MessageChannel()
  const worker = startThread('stream/models/model-worker', {
    workerData: { cells, port: port2, artifact, backend } satisfies WorkerSettings,
    transferList: [port2],
    stdout: true,
    stderr: true,
  })
  // What a package prints at load is nobody's; a full pipe would hold the thread up.
  worker.stdout.resume()
  worker.stderr.resume()
  worker.unref()
  const opened = await new Promise<Answer>((resolve, reject) => {
    port1.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('its thread ended')))
    port1.postMessage({ call: 0, ask: { type: 'open' } } satisfies NumberedAsk)
  }).catch((error: unknown): Answer => ({
    type: 'failed',
    error: { code: 'MODEL_FAILED', message: `Cannot open model "${artifact.name}": ${(error as Error).message}` },
  }))
  port1.unref()
  if (opened.type === 'opened') return new WorkerPredictor(artifact.name, opened, worker, port1, cells)
  await worker.terminate()
  throw opened.type === 'failed' ? StreamError.from(opened.error) : new Error('the thread gave another answer')
}

class WorkerPredictor implements Predictor {
  readonly engine: string
  readonly inputs: number
  readonly steps: number
  readonly outputs: number
  readonly notices: readonly string[]
  tensorCount: number | undefined
  private readonly name: string
  private readonly worker: Worker
  private readonly port: MessagePort
  private readonly cells: Int32Array
  private readonly atOnce: boolean
  private input: Float32Array = new Float32Array(0)
  private output: Float32Array = new Float32Array(0)
  private dead = false
  private calls = 0

  constructor(name: string, opened: Opened, worker: Worker, port: MessagePort, cells: Int32Array) {
    this.name = name
    this.engine = opened.engine
    this.inputs = opened.inputs
    this.steps = opened.steps
    this.outputs = opened.outputs
    this.notices = opened.notices
    this.tensorCount = opened.tensorCount
    this.worker = worker
    this.port = port
    this.cells = cells
    this.atOnce = opened.atOnce
    worker.on('error', () => (this.dead = true))
    worker.on('exit', () => (this.dead = true))
  }

  predict(rows: Float32Array, count: number): Float32Array {
    const size = count * this.inputs * this.steps
    if (size > this.input.length || count * this.outputs > this.output.length) this.grow(count)
    this.input.set(size === rows.length ? rows : rows.subarray(0, size))
    const answer = this.ask({ type: 'predict', count })
    this.tensorCount = answer.tensorCount
    return this.output
  }

  private grow(count: number): void {
    const input = new SharedArrayBuffer(4 * count * this.inputs * this.steps)
    const output = new SharedArrayBuffer(4 * count * this.outputs)
    this.input = new Float32Array(input)
    this.output = new Float32Array(output)
    this.ask({ type: 'buffers', input, output })
  }

  private ask(ask: Ask): Extract<Answer, { type: 'done' }> {
    if (this.dead) throw this.failed('its thread ended')
    const { cells, atOnce, calls: before } = this
    this.calls = (before + 1) | 0
    if (ask.type !== 'predict' || !atOnce) this.port.postMessage({ call: this.calls, ask } satisfies NumberedAsk)
    if (atOnce) {
      cells[CELLS.count] = ask.type === 'predict' ? ask.count : 0
      Atomics.store(cells, CELLS.asked, this.calls)
      Atomics.notify(cells, CELLS.asked)
    }
    // The cell still holds the number of the call before, unless the answer was quicker than we are.
    if (Atomics.wait(cells, CELLS.answered, before, patienceMs) === 'timed-out') {
      this.close()
      throw this.failed(`it gave no answer for ${patienceMs / 1000} s`)
    }
    if (atOnce && cells[CELLS.failed] === 0) {
      const tensors = cells[CELLS.tensors]!
      return { type: 'done', tensorCount: tensors < 0 || ask.type !== 'predict' ? undefined : tensors }
    }
    const answer = receiveMessageOnPort(this.port)?.message as Answer | undefined
    if (answer?.type === 'failed') throw StreamError.from(answer.error)
    if (answer?.type !== 'done') throw this.failed('its thread gave no answer')
    return answer
  }

  private failed(why: string): StreamError {
    return new StreamError({
      code: 'MODEL_FAILED',
      message: `Cannot score with model "${this.name}": ${why}`,
      hint: 'Run the cell of the stream again',
    })
  }

  close(): void {
    this.dead = true
    this.port.close()
    void this.worker.terminate()
  }
}
