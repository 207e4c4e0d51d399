/** A plan at work: its run in the compute worker and the drivers that read its sources. */
import { StreamError } from '../../stream/errors.ts'
import type { StreamErrorParts } from '../../stream/errors.ts'
import type { ModelTable } from '../../stream/models/model-table.ts'
import type { SourceEvent } from '../../stream/model.ts'
import type { FeedNode, PlanNode, TopicNode } from '../../stream/plan.ts'
import { HistoryMerge } from '../../stream/targets/history-merge.ts'
import { driveTopic } from '../../stream/targets/source-driver.ts'
import type { SourceDriver } from '../../stream/targets/source-driver.ts'
import { wallClock } from '../../stream/time/clock.ts'
import type { Compute } from './compute.ts'
import type { Connections } from './connections.ts'
import type { Feeds } from './feeds.ts'
import type { Run, RunOptions } from './run.ts'

/** Stop means stop: within half a second (law 5). */
const CLOSE_MS = 300

export interface ExecutionDeps {
  readonly compute: Compute
  readonly connections: Connections
  readonly feeds: Feeds
  readonly models?: ModelTable | undefined
}

export interface ExecutionOptions extends RunOptions {
  /** Names of streams inlined already. */
  readonly plan: PlanNode
  /** Ends where every topic ended at the start. */
  readonly bounded?: boolean | undefined
  /** One line for people: a source is away, it is back. */
  readonly onNotice?: ((text: string) => void) | undefined
}

export class Execution {
  readonly run: Run
  private readonly deps: ExecutionDeps
  private readonly bounded: boolean
  private readonly onNotice: ((text: string) => void) | undefined
  private drivers: SourceDriver[] = []
  private detach: (() => void)[] = []
  private readonly endOfFeeds: Promise<void>[] = []
  private stopped = false
  private paused = false

  constructor(deps: ExecutionDeps, options: ExecutionOptions) {
    this.deps = deps
    this.bounded = options.bounded ?? false
    this.onNotice = options.onNotice
    this.run = deps.compute.start({ models: deps.models, ...options })
  }

  /** Resolves when the sources are being read. Throws what keeps a source or a lambda from opening. */
  async open(): Promise<void> {
    await this.run.started
    try {
      await this.openSources()
    } catch (error) {
      await this.stop()
      throw error
    }
    if (this.run.over) await this.closeSources()
    else if (this.paused) for (const driver of this.drivers) driver.pause()
  }

  /** Tables first: what is in them now is read before the other sources begin. */
  private async openSources(): Promise<void> {
    const { sources, tables } = this.run
    const all = [...sources.keys()]
    const first = all.filter(i => tables[i] === true && isThere(sources[i]!))
    const rest = all.filter(i => !first.includes(i))
    if (first.length === 0) return this.openThese(rest)
    await this.openThese(first)
    void Promise.all([...this.drivers.map(driver => driver.caughtUp), ...this.endOfFeeds])
      .then(() => this.openThese(rest))
      .catch((error: unknown) => this.fail(error))
  }

  private async openThese(indices: readonly number[]): Promise<void> {
    const { sources } = this.run
    const topics = indices.filter(i => sources[i]?.op === 'topic')
    const history = topics.length > 1 ? new HistoryMerge(topics.length) : undefined
    for (const [place, index] of topics.entries()) {
      // A stop or a failure may have come while a topic was being opened, or a table read.
      if (this.stopped || this.run.over) return await this.closeSources()
      const node = sources[index] as TopicNode
      const driver = await driveTopic({
        node,
        connection: this.deps.connections.get(node.connection),
        clock: wallClock,
        bounded: this.bounded,
        positions: this.positionsOf(index),
        merge: history === undefined ? undefined : { history, index: place },
        deliver: event => this.run.deliver(index, event),
        onError: error => this.fail(error),
        onNotice: this.onNotice,
        param: (name, value) => this.run.handle({ kind: 'param', name, value }),
      })
      this.drivers.push(driver)
      if (this.paused) driver.pause()
    }
    if (this.stopped || this.run.over) return await this.closeSources()
    this.attachFeeds(indices.filter(i => sources[i]?.op === 'feed'))
  }

  /** Where a source of a run that goes on from a checkpoint is read next. */
  private positionsOf(source: number): ReadonlyMap<number, bigint> | undefined {
    const positions = this.run.options.base?.positions[source] ?? []
    return positions.length === 0 ? undefined : new Map(positions)
  }

  private attachFeeds(indices: readonly number[]): void {
    if (indices.length === 0) return
    const feeds = new Map<string, number[]>()
    for (const index of indices) {
      const { id } = this.run.sources[index] as FeedNode
      feeds.set(id, [...(feeds.get(id) ?? []), index])
    }
    let open = indices.length
    let tell = () => {}
    this.endOfFeeds.push(new Promise(resolve => (tell = resolve)))
    const handle = async (source: number, event: SourceEvent) => {
      await this.run.handle({ kind: 'source', source, event })
      if (event.kind === 'end' && --open === 0) tell()
    }
    this.detach.push(this.deps.feeds.attach({ sources: feeds, handle }))
  }

  private fail(error: unknown): void {
    const parts: StreamErrorParts =
      error instanceof StreamError ? error.toJSON() : { code: 'CONNECTION_FAILED', message: (error as Error).message }
    void this.closeSources()
    this.run.finish('failed', parts)
  }

  pause(paused: boolean): void {
    this.paused = paused
    this.run.pause(paused)
    for (const driver of this.drivers) {
      if (paused) driver.pause()
      else driver.resume()
    }
  }

  /** Records not read yet; null when no source is a topic. */
  lagCount(): number | null {
    if (this.drivers.length === 0) return null
    return this.drivers.reduce((sum, driver) => sum + driver.lagCount(), 0)
  }

  async closeSources(): Promise<void> {
    this.stopped = true
    for (const detach of this.detach.splice(0)) detach()
    await Promise.all(this.drivers.map(driver => driver.stop()))
  }

  /** Reads no further; the end of every source fires what is open. Resolves when the worker has done it. */
  async drain(): Promise<void> {
    this.paused = false
    const drained = this.run.drain()
    await this.closeSources()
    await drained
  }

  /** Idempotent; after it no row comes any more. A broker that does not answer is left to close by itself. */
  async stop(): Promise<void> {
    this.deps.compute.stop(this.run)
    await Promise.race([this.closeSources(), new Promise(resolve => setTimeout(resolve, CLOSE_MS).unref())])
  }
}

/** A topic has an end of now; rows that are there from the start have one of their own. */
const isThere = (node: TopicNode | FeedNode): boolean => node.op === 'topic' || node.complete === true
