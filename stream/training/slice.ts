/** A part of a stream's topics to learn from: the same steps above them, read between two bounds. */
import { parseReadBound } from '../connectors/read-bound.ts'
import type { PlanNode } from '../plan.ts'
import { StreamError } from '../errors.ts'

export interface Slice {
  /** As `--from` of a topic. */
  readonly from?: string | undefined
  /** As `--to` of a topic. */
  readonly to?: string | undefined
}

export interface SliceSettings extends Slice {
  /** The newest of it: `10m` back from the topic's clock, until now. */
  readonly last?: string | undefined
}

/** Undefined when the stream is read as it is. @throws StreamError OPTION_INVALID, POSITION_INVALID */
export function sliceFrom({ last, from, to }: SliceSettings): Slice | undefined {
  if (last === undefined && from === undefined && to === undefined) return undefined
  if (last !== undefined && (from !== undefined || to !== undefined))
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot train on the last ${last} and from ${from ?? 'the beginning'} to ${to ?? 'the end'}: one of the two says which rows`,
      hint: '--last 10m',
    })
  if (last !== undefined && !/^\d+(?:\.\d+)?(?:ms|s|m|h|d|w)$/.test(last))
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot train on the last "${last}": a duration is needed`,
      hint: '--last 10m',
    })
  const slice = last === undefined ? { from, to } : { from: last, to: 'latest' }
  // Refused where it is typed; which instant a duration means is known when the topic is read.
  if (slice.from !== undefined) parseReadBound(slice.from, 0, 'from')
  if (slice.to !== undefined) parseReadBound(slice.to, 0, 'to')
  return slice
}

/**
 * The plan over a slice of each of its topics.
 *
 * @throws StreamError OPTION_INVALID when it reads something that has no positions
 */
export function slicedPlan(plan: PlanNode, slice: Slice, name: string): PlanNode {
  if (plan.op === 'topic') {
    const { from = plan.options.from, to = plan.options.to } = slice
    return { ...plan, options: { ...plan.options, from, to } }
  }
  if (plan.op === 'feed' || plan.op === 'stream')
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot train model "${name}" on a part of its stream: it reads ${plan.op === 'feed' ? 'rows that were pushed' : plan.name}, only topics are read again`,
      hint: '%topic NAME, or leave --last, --from and --to out',
    })
  if (plan.op === 'join' || plan.op === 'union')
    return { ...plan, left: slicedPlan(plan.left, slice, name), right: slicedPlan(plan.right, slice, name) }
  return { ...plan, input: slicedPlan(plan.input, slice, name) }
}
