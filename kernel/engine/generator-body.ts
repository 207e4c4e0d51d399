/** The body of a `%%generate` inside the compute worker: it may never return, so it may not run where topics live. */
import { StreamError } from '../../stream/errors.ts'
import type { PlanNode, LambdaSlot } from '../../stream/plan.ts'
import { randomOf, saltOf } from '../../stream/log/random.ts'
import type { Due } from '../../stream/log/schedule.ts'
import type { MadeRecord } from '../../stream/log/generated-feed.ts'
import type { AnyFunction } from '../../stream/lambdas/revive.ts'
import { LambdaHost } from './lambda-host.ts'
import type { FromCompute, ToCompute } from './compute-protocol.ts'

/** What a `generate` message carries. */
export interface GenerateArgs {
  readonly due: readonly Due[]
  readonly topic: string
  /** Field of the row that is the record's timestamp. */
  readonly time: string | undefined
}

export class GeneratorBody {
  private readonly host: LambdaHost
  private readonly slot: LambdaSlot
  private readonly post: (message: FromCompute) => void
  private readonly run: number
  private body: AnyFunction | undefined
  private readonly ready: Promise<void>

  constructor(
    message: Extract<ToCompute, { type: 'generator' }>,
    progress: Int32Array,
    post: (message: FromCompute) => void,
  ) {
    this.run = message.run
    this.post = post
    this.slot = (message.plan as Extract<PlanNode, { op: 'map' }>).f
    this.host = new LambdaHost(message.plan, message.params, progress, (name, text) =>
      post({ type: 'console', run: message.run, name, text }),
    )
    this.ready = this.host.load()
    this.ready.catch(() => {})
  }

  async make(call: number, args: readonly unknown[], working: (f: () => void) => void): Promise<void> {
    try {
      await this.ready
      working(() => {
        const value = this.rows(args[0] as GenerateArgs)
        this.host.tick()
        this.post({ type: 'generated', run: this.run, call, value })
      })
    } catch (error) {
      const parts =
        error instanceof StreamError
          ? error.toJSON()
          : { code: 'LAMBDA_THREW' as const, message: this.host.describe(this.slot, error) }
      this.post({ type: 'generated', run: this.run, call, error: parts })
    }
  }

  private rows({ due, topic, time }: GenerateArgs): (MadeRecord | undefined)[] {
    this.body ??= this.host.revive(this.slot)
    const salt = saltOf(topic)
    return due.map(({ index, atMs, pace }) => {
      const row = this.body!(index, randomOf(pace.seed, salt, index), atMs)
      if (row === undefined) return undefined
      const stamp = time === undefined ? undefined : (row as Record<string, unknown> | null)?.[time]
      return typeof stamp === 'number' ? { key: null, row, timestampMs: stamp } : { key: null, row }
    })
  }
}
