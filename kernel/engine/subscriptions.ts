/**
 * Rows for the cells process: pulled chunk by chunk, at most so many rows ahead. Each subscription runs a plan of its own,
 * so a slow reader holds up its own branch only. When a named stream it reads is replaced, it starts again from the new one.
 */
import { StreamError } from '../../stream/errors.ts'
import type { StreamErrorParts } from '../../stream/errors.ts'
import type { PlanNode } from '../../stream/plan.ts'
import type { RowChunk, SubscribeOptions } from '../../stream/targets/runtime.ts'
import { outline } from '../../stream/targets/outline.ts'
import { Execution } from './execution.ts'
import type { ExecutionDeps } from './execution.ts'
import { namesIn } from './names.ts'

const BUFFER_ROWS = 10_000

export interface SubscriptionsDeps extends ExecutionDeps {
  /** Inlines named streams. Throws STREAM_UNKNOWN. */
  resolve(plan: PlanNode): PlanNode
  params(): Readonly<Record<string, unknown>>
  console(cellId: string | undefined, name: 'stdout' | 'stderr', text: string): void
}

export class Subscriptions {
  private readonly deps: SubscriptionsDeps
  private readonly open = new Map<string, Subscription>()
  private next = 1

  constructor(deps: SubscriptionsDeps) {
    this.deps = deps
  }

  /** `owner` is the connection of the cells process: with it its subscriptions end. */
  subscribe(plan: PlanNode, options: SubscribeOptions, owner: object): string {
    const id = `s${this.next++}`
    const subscription = new Subscription(this.deps, id, plan, options, owner)
    this.open.set(id, subscription)
    subscription.begin()
    return id
  }

  async rows(id: string): Promise<RowChunk | null> {
    const subscription = this.open.get(id)
    if (subscription === undefined)
      throw new StreamError({ code: 'STREAM_STOPPED', message: 'Cannot read rows: the reading was closed' })
    return subscription.take()
  }

  async close(id: string): Promise<void> {
    const subscription = this.open.get(id)
    this.open.delete(id)
    await subscription?.close()
  }

  /** Its stream ends with everything it holds; the rows are there to be taken. */
  async drain(id: string): Promise<void> {
    await this.open.get(id)?.execution?.drain()
  }

  /** The cells process behind `owner` has gone. */
  async closeOwner(owner: object): Promise<void> {
    const gone = [...this.open.values()].filter(s => s.owner === owner)
    await Promise.all(gone.map(s => this.close(s.id)))
  }

  /** Subscriptions that read one of `names` start again, as the stream behind the name is another one. */
  follow(names: ReadonlySet<string>): void {
    for (const subscription of this.open.values()) {
      if (subscription.names.some(name => names.has(name))) subscription.begin()
    }
  }

  executions(): Execution[] {
    return [...this.open.values()].flatMap(s => (s.execution === undefined ? [] : [s.execution]))
  }
}

class Subscription {
  readonly id: string
  readonly owner: object
  readonly names: readonly string[]
  execution: Execution | undefined
  private readonly deps: SubscriptionsDeps
  private readonly plan: PlanNode
  private readonly options: SubscribeOptions
  private readonly limit: number
  private chunks: RowChunk[] = []
  private buffered = 0
  private ended = false
  private error: StreamErrorParts | undefined
  private waiting: (() => void)[] = []

  constructor(deps: SubscriptionsDeps, id: string, plan: PlanNode, options: SubscribeOptions, owner: object) {
    this.deps = deps
    this.id = id
    this.plan = plan
    this.options = options
    this.owner = owner
    this.names = namesIn(plan)
    this.limit = Math.max(1, options.bufferRows ?? BUFFER_ROWS)
  }

  begin(): void {
    void this.execution?.stop()
    this.chunks = []
    this.buffered = 0
    this.ended = false
    this.error = undefined
    try {
      this.launch()
    } catch (error) {
      this.finish(error)
    }
  }

  private launch(): void {
    const execution = new Execution(this.deps, {
      name: outline(this.plan),
      plan: this.deps.resolve(this.plan),
      deliver: this.options.changes === true ? 'changes' : 'rows',
      params: this.deps.params(),
      bounded: this.options.bounded,
      allowance: () => this.limit - this.buffered,
      onConsole: (name, text) => this.deps.console(this.options.cellId, name, text),
      onRows: chunk => {
        if (execution === this.execution) this.put(chunk)
      },
      onEnded: (_state, error) => {
        void execution.closeSources()
        if (execution === this.execution) this.finish(error)
      },
    })
    this.execution = execution
    execution.open().catch((error: unknown) => {
      if (execution === this.execution) this.finish(error)
    })
  }

  private put(chunk: RowChunk): void {
    this.chunks.push(chunk)
    this.buffered += chunk.rows.length
    this.wake()
  }

  private finish(error: unknown): void {
    if (this.ended) return
    this.ended = true
    this.error = error instanceof StreamError ? error.toJSON() : (error as StreamErrorParts | undefined)
    this.wake()
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve()
  }

  async take(): Promise<RowChunk | null> {
    for (;;) {
      const chunk = this.chunks.shift()
      if (chunk !== undefined) {
        this.buffered -= chunk.rows.length
        this.execution?.run.pump()
        return chunk
      }
      if (this.ended) {
        if (this.error === undefined) return null
        throw StreamError.from(this.error)
      }
      await new Promise<void>(resolve => this.waiting.push(resolve))
    }
  }

  async close(): Promise<void> {
    const { execution } = this
    this.execution = undefined
    this.chunks = []
    this.finish(undefined)
    await execution?.stop()
  }
}
