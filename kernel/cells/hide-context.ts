/**
 * Up to Node 22 AsyncLocalStorage keeps what it carries in symbols of promises and timers, which `inspect` would show with the
 * kernel's own objects below them. Whoever shows one sees it as without a kernel.
 */
import { inspect } from 'node:util'

const OURS = new Set(['async_id_symbol', 'trigger_async_id_symbol', 'kResourceStore'])
type Inspect = (this: object, ...rest: unknown[]) => unknown

export function hideContext(): void {
  const timer = setTimeout(() => undefined, 0)
  const immediate = setImmediate(() => undefined)
  clearTimeout(timer)
  clearImmediate(immediate)
  for (const prototype of [Promise.prototype, Object.getPrototypeOf(timer), Object.getPrototypeOf(immediate)]) {
    const own = (prototype as Record<symbol, Inspect | undefined>)[inspect.custom]
    Object.defineProperty(prototype, inspect.custom, {
      configurable: true,
      writable: true,
      value: function (this: object, ...rest: unknown[]): unknown {
        hide(this)
        // `this` says: as always.
        return own === undefined ? this : own.apply(this, rest)
      } satisfies Inspect,
    })
  }
}

function hide(value: object): void {
  for (const key of Object.getOwnPropertySymbols(value)) {
    if (!OURS.has(key.description ?? '')) continue
    if (Object.getOwnPropertyDescriptor(value, key)?.configurable !== true) continue
    Object.defineProperty(value, key, { enumerable: false })
  }
}
