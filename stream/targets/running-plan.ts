/**
 * A pipeline with its sources, inline: readers and feeds drive it, one event after the other, and wait while the consumer is
 * not ready. Used for named streams and for each read of the local runtime.
 */
import { deserialize, serialize } from 'node:v8'
import type { Connection } from '../connectors/connector.ts'
import { StreamError } from '../errors.ts'
import type { StreamErrorParts } from '../errors.ts'
import type { Batch, SourceEvent, StreamState, StreamStats } from '../model.ts'
import { buildPipeline } from '../pipeline.ts'
import type { Pipeline } from '../pipeline.ts'
import type { LambdaSlot, PlanNode } from '../plan.ts'
import { decodeBatch } from '../schemas/decode.ts'
import type { Clock } from '../time/clock.ts'
import { nextTurn } from '../time/clock.ts'
import type { FeedLog } from './feed-log.ts'
import { RateMeter } from './rate.ts'
import { driveTopic } from './source-driver.ts'

export interface PlanSurroundings {
  readonly clock: Clock
  connection(name: string): Promise<Connection>
  feed(id: string): FeedLog
}

export interface PlanConsumer {
  onBatch(batch: Batch): void
  /** Undefined: go on at once; else the sources wait for it. */
  ready?(): Promise<void> | undefined
  /** Called once, unless stopped: the sources are over or the plan failed. */
  onEnd(error: StreamErrorParts | undefined): void
}

interface Drive {
  pause(): void
  resume(): void
  stop(): Promise<void>
  lagCount(): number
}

/** What a snapshot holds beside the pipeline's: how many events of each feed were handled. */
interface PlanSnapshot {
  readonly pipeline: Uint8Array
  readonly handled: readonly number[]
}

export class RunningPlan {
  private readonly plan: PlanNode
  private readonly around: PlanSurroundings
  private readonly consumer: PlanConsumer
  private readonly bounded: boolean
  private pipeline: Pipeline
  private drives: Drive[] = []
  private handled: number[] = []
  private state: StreamState = 'starting'
  private error: StreamErrorParts | undefined
  private readonly rate = new RateMeter()
  /** Drives of before a restore must not deliver any more. */
  private generation = 0

  constructor(plan: PlanNode, around: PlanSurroundings, consumer: PlanConsumer, bounded = false) {
    this.plan = plan
    this.around = around
    this.consumer = consumer
    this.bounded = bounded
    this.pipeline = this.fresh()
  }

  /** Opens all sources and starts them. Rejects when one cannot be opened. */
  async start(): Promise<void> {
    await this.drive()
    if (this.state === 'starting') this.state = 'running'
  }

  pause(): void {
    if (this.state !== 'running') return
    this.state = 'paused'
    for (const drive of this.drives) drive.pause()
  }

  resume(): void {
    if (this.state !== 'paused') return
    this.state = 'running'
    for (const drive of this.drives) drive.resume()
  }

  /** Idempotent; nothing is sent once it is called. */
  async stop(): Promise<void> {
    this.generation++
    if (this.state !== 'ended' && this.state !== 'failed') this.state = 'stopped'
    await this.close()
  }

  stats(): StreamStats {
    const s = this.pipeline.stats()
    const topics = this.drives.length > 0 && this.pipeline.sources.every(node => node.op === 'topic')
    return {
      ...s,
      state: this.state,
      recordsPerSecond: this.rate.rate(this.around.clock.nowMs(), s.recordCount),
      lagCount: topics ? this.drives.reduce((lag, drive) => lag + drive.lagCount(), 0) : null,
      error: this.error ?? s.error,
    }
  }

  snapshot(): Uint8Array {
    const snapshot: PlanSnapshot = { pipeline: this.pipeline.snapshot(), handled: this.handled }
    return new Uint8Array(serialize(snapshot))
  }

  async restore(bytes: Uint8Array): Promise<void> {
    const snapshot = readSnapshot(bytes)
    const restored = this.fresh()
    restored.restore(snapshot.pipeline)
    this.generation++
    await this.close()
    this.pipeline = restored
    this.handled = [...snapshot.handled]
    this.error = undefined
    this.state = 'starting'
    await this.start()
  }

  private fresh(): Pipeline {
    return buildPipeline(this.plan, {
      revive: slot => inlineLambda(slot),
      decode: (batch, node) => decodeBatch(batch, { format: node.options.format }),
      onOutput: batch => this.consumer.onBatch(batch),
    })
  }

  private async drive(): Promise<void> {
    const generation = this.generation
    const drives: Drive[] = []
    this.drives = drives
    for (const [i, node] of this.pipeline.sources.entries()) {
      this.handled[i] ??= 0
      if (node.op === 'feed') {
        const deliver = (event: SourceEvent) => this.deliver(i, event, generation)
        drives.push(feedDrive(this.around.feed(node.id), deliver, this.handled[i]))
      } else {
        const positions = this.pipeline.positions(i)
        const driver = await driveTopic({
          node,
          connection: await this.around.connection(node.connection),
          clock: this.around.clock,
          positions: positions.size === 0 ? undefined : positions,
          bounded: this.bounded,
          // Other work of the thread gets its turn between two batches, also while history is read as fast as it goes.
          deliver: async event => {
            await this.deliver(i, event, generation)
            await nextTurn()
          },
          onError: error => this.fail(error, generation),
        })
        drives.push(driver)
      }
      if (generation !== this.generation) {
        await drives.at(-1)?.stop()
        return
      }
    }
  }

  private deliver(source: number, event: SourceEvent, generation: number): Promise<void> | undefined {
    if (generation !== this.generation) return undefined
    this.pipeline.push(source, event)
    this.handled[source] = (this.handled[source] ?? 0) + 1
    if (
      this.pipeline.state !== 'running' &&
      (this.state === 'running' || this.state === 'starting' || this.state === 'paused')
    ) {
      this.state = this.pipeline.state
      this.error = this.pipeline.error
      void this.close()
      this.consumer.onEnd(this.error)
      return undefined
    }
    return this.consumer.ready?.()
  }

  private fail(error: unknown, generation: number): void {
    if (generation !== this.generation) return
    this.state = 'failed'
    this.error =
      error instanceof StreamError
        ? error.toJSON()
        : {
            code: 'CONNECTION_FAILED',
            message: 'Cannot read on: the connection failed',
            detail: String(error),
            retriable: true,
          }
    void this.close()
    this.consumer.onEnd(this.error)
  }

  private async close(): Promise<void> {
    const drives = this.drives
    this.drives = []
    await Promise.all(drives.map(drive => drive.stop()))
  }
}

/** A feed's events; `from` counts the ones handled before a restore. */
function feedDrive(log: FeedLog, deliver: (event: SourceEvent) => Promise<void> | undefined, from: number): Drive {
  const attachment = log.attach({ deliver }, from)
  return {
    pause: () => attachment.pause(),
    resume: () => attachment.resume(),
    stop: async () => attachment.close(),
    lagCount: () => attachment.lagCount(),
  }
}

function inlineLambda(slot: LambdaSlot): (...args: never[]) => unknown {
  if (typeof slot === 'function') return slot
  throw new StreamError({
    code: 'INTERNAL',
    message: `Cannot run lambda ${slot.site.excerpt}: it was shipped for another process`,
  })
}

function readSnapshot(bytes: Uint8Array): PlanSnapshot {
  try {
    const snapshot = deserialize(bytes) as PlanSnapshot
    if (snapshot.pipeline instanceof Uint8Array) return snapshot
  } catch {
    // Told below: whatever the bytes are, they are no snapshot.
  }
  throw new StreamError({ code: 'SNAPSHOT_INVALID', message: 'Cannot restore stream: the bytes are no snapshot' })
}
