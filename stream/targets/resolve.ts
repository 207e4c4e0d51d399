/**
 * Named streams in a plan are resolved when a consumer starts: the named stream's own plan takes the place of its name, so
 * the consumer reads from the topic's `--from` with its own reader, and follows when the name is replaced.
 */
import type { PlanNode } from '../plan.ts'
import { StreamError } from '../errors.ts'

export type PlanLookup = (name: string) => PlanNode | undefined

/**
 * The plan without `stream` nodes.
 *
 * @throws StreamError STREAM_UNKNOWN, STREAM_SELF_REFERENCE
 */
export function resolvePlan(plan: PlanNode, lookup: PlanLookup, above: readonly string[] = []): PlanNode {
  switch (plan.op) {
    case 'topic':
    case 'feed':
      return plan
    case 'stream': {
      if (above.includes(plan.name)) {
        throw new StreamError({
          code: 'STREAM_SELF_REFERENCE',
          message: `Cannot start stream "${plan.name}": it reads itself`,
          detail: [...above, plan.name].join(' → '),
          hint: 'Give the new stream a name of its own',
        })
      }
      const named = lookup(plan.name)
      if (named === undefined) {
        throw new StreamError({
          code: 'STREAM_UNKNOWN',
          message: `Cannot find stream "${plan.name}": no stream of that name is running`,
          hint: '%streams',
        })
      }
      return resolvePlan(named, lookup, [...above, plan.name])
    }
    case 'join':
    case 'union':
      return { ...plan, left: resolvePlan(plan.left, lookup, above), right: resolvePlan(plan.right, lookup, above) }
    default:
      return { ...plan, input: resolvePlan(plan.input, lookup, above) }
  }
}

/** Names a plan reads, itself and through other names; consumers of a replaced name are found with it. */
export function namesRead(plan: PlanNode, lookup: PlanLookup, found = new Set<string>()): Set<string> {
  if (plan.op === 'topic' || plan.op === 'feed') return found
  if (plan.op === 'join' || plan.op === 'union')
    return namesRead(plan.right, lookup, namesRead(plan.left, lookup, found))
  if (plan.op !== 'stream') return namesRead(plan.input, lookup, found)
  if (found.has(plan.name)) return found
  found.add(plan.name)
  const named = lookup(plan.name)
  return named === undefined ? found : namesRead(named, lookup, found)
}
