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
import type { FeedNode, LambdaSlot, PlanNode, TopicNode } from '../plan.ts'
import { modelsIn } from '../models/model-table.ts'
import type { ModelTable } from '../models/model-table.ts'
import { OpenModels } from '../models/open-models.ts'
import { PlanDecoding } from '../schemas/plan-decoding.ts'
import type { SharedRows } from '../schemas/shared-rows.ts'
import type { ModelArtifact } from '../models/artifact.ts'
import type { Clock } from '../time/clock.ts'
import { nextTurn } from '../time/clock.ts'
import { readInOrder } from './feed-log.ts'
import type { FeedLog } from './feed-log.ts'
import { HistoryMerge } from './history-merge.ts'
import { RateMeter } from './rate.ts'
import { driveTopic } from './source-driver.ts'

export interface PlanSurroundings {
  readonly clock: Clock
  connection(name: string): Promise<Connection>
  feed(id: string): FeedLog
  /** Rows that plans of the same topics leave for one another. */
  readonly rows: SharedRows
  /** Absent where no stream scores with models. */
  readonly models?: ModelTable | undefined
  /** Told once each: what is no error and may still not be meant. */
  notice?(text: string): void
  /** A recording repeats a change of a param. */
  param?(name: string, value: unknown): void
}

export interface PlanConsumer {
  onBatch(batch: Batch): void
  /** Before a source's event is handled. */
  onEvent?(source: number, event: SourceEvent): void
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
  readonly caughtUp: Promise<void>
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
  private models: OpenModels
  private readonly decoding: PlanDecoding
  private unlisten: (() => void) | undefined
  /** Until all models are there, rows wait at the sources. */
  private waiting: Promise<void> | undefined

  constructor(plan: PlanNode, around: PlanSurroundings, consumer: PlanConsumer, bounded = false) {
    this.plan = plan
    this.around = around
    this.consumer = consumer
    this.bounded = bounded
    this.models = new OpenModels(plan)
    this.decoding = new PlanDecoding(around.rows)
    this.pipeline = this.fresh()
  }

  /** Opens all sources and starts them. Rejects when one cannot be opened. */
  async start(): Promise<void> {
    try {
      await this.openModels()
      await this.drive()
    } catch (error) {
      // A source that was opened already waits for the one that cannot be.
      await this.close()
      throw error
    }
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

  /** What the rows were handed to failed: the stream fails with it. */
  failWith(error: unknown): void {
    this.fail(error, this.generation)
  }

  /** Idempotent; nothing is sent once it is called. */
  async stop(): Promise<void> {
    this.generation++
    if (this.state !== 'ended' && this.state !== 'failed') this.state = 'stopped'
    await this.close()
  }

  /** Reads no further; the end of every source fires what is open. */
  async drain(): Promise<void> {
    if (this.state === 'ended' || this.state === 'failed' || this.state === 'stopped') return
    this.generation++
    await this.close()
    const { pipeline } = this
    for (const source of pipeline.sources.keys()) pipeline.push(source, { kind: 'end' })
    this.state = pipeline.state
    this.error = pipeline.error
    this.consumer.onEnd(this.error)
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

  /** Events handled so far, over all sources. */
  get handledCount(): number {
    return this.handled.reduce((sum, count) => sum + count, 0)
  }

  /** Next offsets of each source by partition. */
  positions(): (readonly (readonly [partition: number, offset: bigint])[])[] {
    return this.pipeline.sources.map((_, i) => [...this.pipeline.positions(i)])
  }

  /** From the beginning, with empty state. */
  async restart(): Promise<void> {
    this.generation++
    await this.close()
    this.pipeline = this.fresh()
    this.handled = []
    this.error = undefined
    this.state = 'starting'
    await this.start()
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

  /** Models in force are open before the first row; those in training hold the rows back until they are there. */
  get sources(): readonly (TopicNode | FeedNode)[] {
    return this.pipeline.sources
  }

  private async openModels(): Promise<void> {
    const { models } = this.around
    const names = modelsIn(this.plan)
    if (models === undefined || names.length === 0 || this.unlisten !== undefined) return
    this.models = new OpenModels(this.plan)
    const put = async (artifact: ModelArtifact) => {
      const model = await this.models.put(artifact)
      if (model !== undefined) this.pipeline.setModel(model)
    }
    this.unlisten = models.listen({
      onModel: async artifact => {
        if (names.includes(artifact.name))
          await put(artifact).catch((error: unknown) => this.fail(error, this.generation))
      },
      onFailure: () => {},
    })
    const missing: string[] = []
    for (const name of names) {
      const artifact = models.now(name)
      if (artifact === undefined) missing.push(name)
      else await put(artifact)
    }
    if (missing.length === 0) return
    const all = missing.map(async name => put(await models.ready(name)))
    this.waiting = Promise.all(all).then(() => (this.waiting = undefined))
    this.waiting.catch((error: unknown) => this.fail(error, this.generation))
  }

  private fresh(): Pipeline {
    return buildPipeline(this.plan, {
      revive: slot => inlineLambda(slot),
      decode: (batch, node, source) => this.decoding.decode(batch, node, source),
      model: name => this.models.get(name),
      onOutput: batch => this.consumer.onBatch(batch),
      onNotice: text => this.around.notice?.(text),
    })
  }

  /** Tables first: what is in them now is read before the other sources begin. */
  private async drive(): Promise<void> {
    const generation = this.generation
    const { sources, tables } = this.pipeline
    const all = [...sources.keys()]
    for (const i of all) this.handled[i] ??= 0
    const first = all.filter(i => tables[i] === true && isThere(sources[i]!))
    const rest = all.filter(i => !first.includes(i))
    this.drives = []
    if (first.length === 0) return this.open(rest, generation)
    await this.open(first, generation)
    if (generation !== this.generation) return
    void Promise.all(this.drives.map(drive => drive.caughtUp))
      .then(() => this.open(rest, generation))
      .catch((error: unknown) => this.fail(error, generation))
  }

  private async open(indices: readonly number[], generation: number): Promise<void> {
    if (generation !== this.generation || this.state === 'ended' || this.state === 'failed') return
    const { sources } = this.pipeline
    const add = async (drive: Drive) => {
      if (generation !== this.generation) return drive.stop()
      this.drives.push(drive)
      if (this.state === 'paused') drive.pause()
    }
    const feeds = indices.filter(i => sources[i]?.op === 'feed')
    const topics = indices.filter(i => sources[i]?.op === 'topic')
    const history = topics.length > 1 ? new HistoryMerge(topics.length) : undefined
    if (feeds.length > 0) {
      const parts = feeds.map(i => ({
        log: this.around.feed((sources[i] as FeedNode).id),
        from: this.handled[i],
        deliver: (event: SourceEvent) => this.deliver(i, event, generation),
      }))
      await add(feedDrive(parts))
    }
    for (const [index, i] of topics.entries()) {
      const node = sources[i] as TopicNode
      const positions = this.pipeline.positions(i)
      const driver = await driveTopic({
        node,
        connection: await this.around.connection(node.connection),
        clock: this.around.clock,
        positions: positions.size === 0 ? undefined : positions,
        bounded: this.bounded,
        merge: history === undefined ? undefined : { history, index },
        // Other work of the thread gets its turn between two batches, also while history is read as fast as it goes.
        deliver: async event => {
          await this.deliver(i, event, generation)
          await nextTurn()
        },
        onError: error => this.fail(error, generation),
        onNotice: text => this.around.notice?.(text),
        param: (name, value) => this.around.param?.(name, value),
      })
      await add(driver)
      if (generation !== this.generation) return
    }
  }

  private deliver(source: number, event: SourceEvent, generation: number): Promise<void> | undefined {
    if (generation !== this.generation) return undefined
    if (this.waiting !== undefined) return this.waiting.then(() => this.deliver(source, event, generation))
    this.consumer.onEvent?.(source, event)
    // Counted before it is handled: a snapshot between two pieces holds all of it.
    this.handled[source] = (this.handled[source] ?? 0) + 1
    return this.pipeline.begin(source, event) ? this.inPieces(generation) : this.settle()
  }

  /** A firing of many rows: the consumer takes each piece, and other work of the thread has its turn, before the next is made. */
  private async inPieces(generation: number): Promise<void> {
    do {
      await this.consumer.ready?.()
      await nextTurn()
      if (generation !== this.generation) return
    } while (this.pipeline.goOn())
    await this.settle()
  }

  private settle(): Promise<void> | undefined {
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
    this.unlisten?.()
    this.unlisten = undefined
    this.models.close()
    this.decoding.close()
    const drives = this.drives
    this.drives = []
    await Promise.all(drives.map(drive => drive.stop()))
  }
}

interface FeedPart {
  readonly log: FeedLog
  /** Events handled before a restore. */
  readonly from: number | undefined
  readonly deliver: (event: SourceEvent) => Promise<void> | undefined
}

/** Events of several feeds in the order of their pushes. */
function feedDrive(parts: readonly FeedPart[]): Drive {
  let open = parts.length
  let tell = () => {}
  const caughtUp = new Promise<void>(resolve => {
    tell = resolve
  })
  const consumer = ({ deliver }: FeedPart) => ({
    deliver: async (event: SourceEvent) => {
      await deliver(event)
      if (event.kind === 'end' && --open === 0) tell()
    },
  })
  const attachment = readInOrder(parts.map(part => ({ log: part.log, from: part.from, consumer: consumer(part) })))
  return {
    pause: () => attachment.pause(),
    resume: () => attachment.resume(),
    stop: async () => {
      attachment.close()
      tell()
    },
    lagCount: () => attachment.lagCount(),
    caughtUp,
  }
}

/** A topic has an end of now; rows that are there from the start have one of their own. */
const isThere = (node: TopicNode | FeedNode): boolean => node.op === 'topic' || node.complete === true

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
