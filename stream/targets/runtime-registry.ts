/** Which runtime the fluent API asks. The cells process sets its own; everywhere else streams run inline in this thread. */
import { StreamError } from '../errors.ts'
import type { Runtime } from './runtime.ts'

let current: Runtime | undefined
let makeDefault: (() => Runtime) | undefined

/** All streams made or started from now on run there. */
export function setRuntime(runtime: Runtime): void {
  current = runtime
}

/** Used when nobody has set a runtime. */
export function setDefaultRuntime(make: () => Runtime): void {
  makeDefault = make
}

export function runtime(): Runtime {
  current ??= makeDefault?.()
  if (current !== undefined) return current
  throw new StreamError({ code: 'INTERNAL', message: 'Cannot run streams: no runtime was set' })
}
