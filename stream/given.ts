/** What a program gives to the fluent API: the compiler checks it, plain JavaScript and `%types off` do not. */
import { StreamError } from './errors.ts'
import type { LambdaSlot } from './plan.ts'
import { runtime } from './targets/runtime-registry.ts'

/**
 * A lambda of the user as the plan holds it.
 *
 * @throws StreamError OPTION_INVALID for what is no function, LAMBDA_CAPTURE, LAMBDA_ASSIGNMENT
 */
export function shipGiven(f: unknown, action: string, example: string): LambdaSlot {
  if (typeof f === 'function') return runtime().ship(f as (...args: never[]) => unknown)
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot ${action} by ${shownValue(f)}: a function is needed`,
    hint: `Write for example ${example}`,
  })
}

/** A value in an error text: short, whatever it is. */
export function shownValue(value: unknown): string {
  if (typeof value === 'string') return `"${value.slice(0, 60)}"`
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return 'an array'
  if (typeof value !== 'object' || value === null) return String(value)
  const name = Object.getPrototypeOf(value) === null ? 'Object' : value.constructor.name
  return name === 'Object' ? 'an object' : `a ${name}`
}
