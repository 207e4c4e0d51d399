/**
 * What must be equal for a plan to go on from a checkpoint: operators, options, the text of lambdas and the values they captured.
 * Where a lambda stands (its cell, its line) may change from one run of a notebook to the next.
 */
import { createHash } from 'node:crypto'
import { serialize } from 'node:v8'
import type { PlanNode } from '../plan.ts'

/** Equal plans have equal keys. */
export const planKeyOf = (plan: PlanNode): string =>
  createHash('sha256')
    .update(serialize(withoutPlaces(plan, new Map())))
    .digest('hex')
    .slice(0, 16)

/** A copy without the sites of lambdas; closures become their text. A recursive lambda captures itself: copies are remembered. */
function withoutPlaces(value: unknown, copies: Map<object, unknown>): unknown {
  if (typeof value === 'function') return `function ${value.toString()}`
  if (typeof value !== 'object' || value === null) return value
  const known = copies.get(value)
  if (known !== undefined) return known
  if (Array.isArray(value)) {
    const copy: unknown[] = []
    copies.set(value, copy)
    for (const each of value) copy.push(withoutPlaces(each, copies))
    return copy
  }
  const prototype = Object.getPrototypeOf(value) as unknown
  // Map, Date, typed arrays: captured values, which hold no lambdas.
  if (prototype !== Object.prototype && prototype !== null) return value
  const copy: Record<string, unknown> = {}
  copies.set(value, copy)
  for (const [name, each] of Object.entries(value)) if (name !== 'site') copy[name] = withoutPlaces(each, copies)
  return copy
}
