/** A sink of the inline runtime: what a running plan hands its rows to. */
import { openSink } from '../sinks/open-sink.ts'
import { SinkPump } from '../sinks/sink-pump.ts'
import { StreamError } from '../errors.ts'
import { keepAlive } from '../time/clock.ts'
import type { Connection } from '../connectors/connector.ts'
import type { StreamErrorParts } from '../errors.ts'
import type { Batch } from '../model.ts'
import type { PlanNode } from '../plan.ts'
import type { SinkCounts, SinkTarget, SinkWriter } from '../sinks/sink.ts'
import type { SinkTransaction } from '../sinks/transaction.ts'
import type { Clock, Timer } from '../time/clock.ts'
import type { PlanConsumer, RunningPlan } from './running-plan.ts'

export interface LocalSinkOptions {
  readonly plan: PlanNode
  readonly target: SinkTarget
  readonly connection: (name: string) => Promise<Connection>
  /** The target failed: the plan has to stop. */
  readonly onFailed: (error: unknown) => void
  /** Its transaction was lost with the broker: the plan is to begin again from the last commit, with `renew`. */
  readonly onLost?: ((error: StreamError) => void) | undefined
}

/** Time between two commits. */
const COMMIT_MS = 1000

const NOTHING = { write: async () => {}, flush: async () => {}, close: async () => {} }

export class LocalSink implements PlanConsumer {
  /** Resolves when the stream has ended and all is acknowledged; rejects when it or its target failed. */
  readonly ended: Promise<void>
  private readonly options: LocalSinkOptions
  private pump: SinkPump
  private transaction: SinkTransaction | undefined
  private running: RunningPlan | undefined
  private timer: Timer | undefined
  private committedCount = 0
  private settle: { resolve: () => void; reject: (error: unknown) => void } | undefined
  private readonly alive = keepAlive()

  constructor(options: LocalSinkOptions) {
    this.options = options
    this.ended = new Promise((resolve, reject) => (this.settle = { resolve, reject }))
    this.ended.catch(() => undefined)
    this.pump = this.makePump(undefined)
  }

  /** Before another transaction is opened: nothing of the last one is written any more. */
  async drop(): Promise<void> {
    this.timer?.cancel()
    await this.pump.close()
    await this.transaction?.end()
  }

  /** Rows go into this transaction from now on; each second what `running` has made is committed with its state. */
  renew(transaction: SinkTransaction, running: RunningPlan, clock: Clock): void {
    this.timer?.cancel()
    this.transaction = transaction
    this.running = running
    this.committedCount = -1
    this.pump = this.makePump(transaction)
    const wait = () => {
      this.timer = clock.setTimer(COMMIT_MS, () => {
        this.commit()
        wait()
      })
    }
    wait()
  }

  private makePump(transaction: SinkTransaction | undefined): SinkPump {
    const { plan, target, connection, onFailed, onLost } = this.options
    const transactional = target.kind === 'topic' && target.transactional === true
    const unopened: SinkWriter = { ...NOTHING, counts: { writtenCount: 0, refusedCount: 0 } }
    return new SinkPump({
      open: async () =>
        transaction?.writer ??
        (transactional ? unopened : await openSink(target, { plan, connection, onRefused: () => undefined })),
      onRoom: () => undefined,
      onFailed: error => {
        this.timer?.cancel()
        if (transaction !== undefined && error instanceof StreamError && error.retriable && onLost !== undefined)
          return onLost(error)
        this.over(error)
        onFailed(error)
      },
    })
  }

  /** What the plan has given so far and the state it gave it from, together. */
  private commit(): void {
    const { transaction, running } = this
    if (transaction === undefined || running === undefined || running.handledCount === this.committedCount) return
    this.committedCount = running.handledCount
    const parts = { meta: undefined, bytes: running.snapshot() }
    const positions = running.positions()
    this.pump.barrier(() => transaction.commit(parts, positions))
  }

  /** The plan cannot begin again either. */
  fail(error: unknown): void {
    this.over(error)
    this.options.onFailed(error)
  }

  get counts(): SinkCounts {
    return this.pump.counts
  }

  /** Rejects when the target cannot be opened. */
  async open(): Promise<void> {
    try {
      await this.pump.opened
    } catch (error) {
      this.over(error)
      throw error
    }
  }

  onBatch(batch: Batch): void {
    const { rows, eventTimesMs, weights, watermarkMs } = batch
    if (batch.count > 0) this.pump.put({ rows, eventTimesMs, weights, watermarkMs })
  }

  ready(): Promise<void> | undefined {
    return this.pump.ready()
  }

  onEnd(error: StreamErrorParts | undefined): void {
    if (error !== undefined) void this.close(StreamError.from(error))
    else {
      this.commit()
      this.pump.finish().then(() => this.over(), (failure: unknown) => this.over(failure)) // prettier-ignore
    }
  }

  /** Ends without waiting for what is not written yet. */
  async close(error?: unknown): Promise<void> {
    await this.pump.close()
    this.over(error)
  }

  private over(error?: unknown): void {
    this.timer?.cancel()
    this.alive.cancel()
    if (error === undefined) this.settle?.resolve()
    else this.settle?.reject(error)
  }
}
