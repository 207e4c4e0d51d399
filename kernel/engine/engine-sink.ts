/** The sink of one run: rows come from the compute worker, the writer works in the engine's main thread. */
import { StreamError } from '../../stream/errors.ts'
import type { StreamErrorParts } from '../../stream/errors.ts'
import type { Connection } from '../../stream/connectors/connector.ts'
import type { PlanNode } from '../../stream/plan.ts'
import { openSink } from '../../stream/sinks/open-sink.ts'
import { SinkPump } from '../../stream/sinks/sink-pump.ts'
import type { SinkTarget } from '../../stream/sinks/sink.ts'
import type { SinkTransaction } from '../../stream/sinks/transaction.ts'
import type { Execution } from './execution.ts'

export interface EngineSinkOptions {
  readonly target: SinkTarget
  readonly plan: PlanNode
  readonly connection: (name: string) => Connection
  /** Open already, when the target is transactional: it knows what the plan begins with. */
  readonly transaction: SinkTransaction | undefined
  /** Told once: the first row that could not be written. */
  readonly onRefused: (error: StreamErrorParts) => void
  /** The target is away, it is back. */
  readonly onNotice: (text: string) => void
}

export class EngineSink {
  readonly pump: SinkPump
  readonly transaction: SinkTransaction | undefined
  /** Resolves when the stream has ended and all is acknowledged, or was stopped; rejects when it or its target failed. */
  readonly done: Promise<void>
  private settle: { resolve: () => void; reject: (error: unknown) => void } | undefined
  private execution: Execution | undefined

  constructor({ target, plan, connection, transaction, onRefused, onNotice }: EngineSinkOptions) {
    this.transaction = transaction
    this.done = new Promise((resolve, reject) => (this.settle = { resolve, reject }))
    this.done.catch(() => undefined)
    let told = false
    this.pump = new SinkPump({
      open: async () =>
        transaction?.writer ??
        (await openSink(target, {
          plan,
          connection,
          onRefused: error => {
            if (!told) onRefused({ ...error.toJSON(), hint: error.hint ?? 'The sink goes on without this row' })
            told = true
          },
          onNotice,
        })),
      onRoom: () => this.execution?.run.pump(),
      onFailed: error => this.execution?.run.finish('failed', partsOf(error)),
    })
  }

  /** Rejects when the target cannot be opened; the run then never reads. */
  async open(execution: Execution): Promise<void> {
    this.execution = execution
    try {
      await this.pump.opened
    } catch (error) {
      this.settle?.reject(error)
      await execution.stop()
      throw error
    }
  }

  /** The stream is over: gives why its target failed, undefined when all is acknowledged. */
  async end(state: 'ended' | 'failed', error: StreamErrorParts | undefined): Promise<StreamErrorParts | undefined> {
    let failure = error
    try {
      if (state === 'ended') await this.pump.finish()
      else await this.pump.close()
    } catch (cause) {
      failure = partsOf(cause)
    }
    // A transaction that was lost with its broker is made again: `over` settles then.
    if (failure?.retriable === true && this.transaction !== undefined) return failure
    if (failure === undefined) this.settle?.resolve()
    else this.settle?.reject(StreamError.from(failure))
    return failure
  }

  /** What became of the sink that took this one's place. */
  over(after: Promise<void>): void {
    after.then(
      () => this.settle?.resolve(),
      (error: unknown) => this.settle?.reject(error),
    )
  }

  /** Nothing is written any more. Idempotent. */
  async close(): Promise<void> {
    await this.pump.close()
    this.settle?.resolve()
  }
}

function partsOf(error: unknown): StreamErrorParts {
  if (error instanceof StreamError) return error.toJSON()
  return {
    code: 'STREAM_FAILED',
    message: `Cannot write on: ${error instanceof Error ? error.message : String(error)}`,
  }
}
