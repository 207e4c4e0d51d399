/** Shipped lambdas inside the compute worker: counted at each call, printing to their cell, with params of their run. */
import { format } from 'node:util'
import { loadImports } from '../../stream/lambdas/imports.ts'
import type { Modules } from '../../stream/lambdas/imports.ts'
import { frameText, lambdaFrame } from '../../stream/lambdas/place.ts'
import { revive } from '../../stream/lambdas/revive.ts'
import type { AnyFunction } from '../../stream/lambdas/revive.ts'
import { capturedIn, lambdasOf } from '../../stream/lambdas/walk.ts'
import type { LambdaSlot, PlanNode, ShippedLambda } from '../../stream/plan.ts'
import { PROGRESS } from './compute-protocol.ts'
import { LineLimit } from './line-limit.ts'

/** The API as an object, loaded with the first lambda that names something of it: it brings every connector along. */
let api: Readonly<Record<string, unknown>> = {}

/** Packages imported by any lambda of this worker; local modules are read again for each run. */
const packages: Modules = new Map()

export class LambdaHost {
  readonly params: Map<string, unknown>
  /** What is printed now was printed before the worker was restored. */
  silent = false
  private readonly lambdas: readonly ShippedLambda[]
  private readonly progress: Int32Array
  private readonly lines: LineLimit
  private readonly console: Record<string, AnyFunction>

  constructor(
    plan: PlanNode,
    params: Readonly<Record<string, unknown>>,
    progress: Int32Array,
    print: (name: 'stdout' | 'stderr', text: string) => void,
  ) {
    this.lambdas = lambdasOf(plan)
    this.params = new Map(Object.entries(params))
    this.progress = progress
    this.lines = new LineLimit(print)
    this.console = this.makeConsole()
  }

  async load(): Promise<void> {
    const usesApi = this.lambdas.some(lambda => capturedIn(lambda).some(captured => captured.kind === 'api'))
    if (usesApi) api = await import('../../stream/index.ts')
    await loadImports(this.lambdas, packages)
  }

  revive(slot: LambdaSlot): AnyFunction {
    if (typeof slot === 'function') throw new TypeError('a closure cannot have come to the compute worker')
    const f = revive(slot, {
      api: name => (name === 'riffle' ? api : api[name]),
      param: name => this.params.get(name),
      modules: packages,
      console: this.console,
    })
    return this.counted(f, Math.max(0, this.lambdas.indexOf(slot)))
  }

  /** Says where a lambda threw and what. */
  describe(slot: LambdaSlot, error: unknown): string {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : format(error)
    return typeof slot === 'function'
      ? text
      : `${text} in ${slot.site.excerpt} (${frameText(lambdaFrame(error, slot))})`
  }

  /** Tells how many lines were left out, once a second. */
  tick(): void {
    this.lines.tick()
  }

  // Counting the beginning of each call says as much as counting its end: a call in progress for 2 s has ended none.
  // `inside` is cleared after the call and by whoever called us when the lambda throws.
  private counted(f: AnyFunction, id: number): AnyFunction {
    const { progress } = this
    const { calls, inside, lambda } = PROGRESS
    const call: AnyFunction = (a, b, c) => {
      progress[lambda] = id
      progress[calls] = progress[calls]! + 1
      progress[inside] = 1
      const result = f(a, b, c)
      progress[inside] = 0
      return result
    }
    // The pipeline makes a second argument only for lambdas that declare one.
    return Object.defineProperty(call, 'length', { value: f.length })
  }

  private makeConsole(): Record<string, AnyFunction> {
    const out =
      (name: 'stdout' | 'stderr') =>
      (...args: unknown[]) => {
        if (!this.silent) this.lines.print(name, format(...args))
      }
    const stdout = out('stdout')
    const stderr = out('stderr')
    const table = {
      log: stdout,
      info: stdout,
      debug: stdout,
      dir: stdout,
      table: stdout,
      warn: stderr,
      error: stderr,
      trace: stderr,
    }
    // Anything else of console (`time`, `group` …) is taken without effect: a lambda has no terminal.
    return new Proxy(table, { get: (target, name) => (Reflect.get(target, name) as unknown) ?? (() => undefined) })
  }
}
