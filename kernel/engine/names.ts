/** Which streams a plan reads by name, and which fields it needs of them. */
import { StreamError } from '../../stream/errors.ts'
import { nearest } from './nearest.ts'
import type { ChartConcept } from '../../stream/charts/concept.ts'
import type { PlanNode } from '../../stream/plan.ts'

/** Names of the streams directly read by `plan`, each once. */
export function namesIn(plan: PlanNode): string[] {
  const names = new Set<string>()
  visit(plan, node => {
    if (node.op === 'stream') names.add(node.name)
  })
  return [...names]
}

function visit(plan: PlanNode, f: (node: PlanNode) => void): void {
  f(plan)
  for (const part of Object.values(plan)) {
    if (typeof part === 'object' && part !== null && typeof (part as { op?: unknown }).op === 'string')
      visit(part as PlanNode, f)
  }
}

/** Columns of a result as far as the plan alone tells: those of windows, kept by filters. */
export function knownColumns(
  plan: PlanNode,
  planOf: (name: string) => PlanNode | undefined,
): readonly string[] | undefined {
  if (plan.op === 'filter') return knownColumns(plan.input, planOf)
  if (plan.op === 'stream') {
    const found = planOf(plan.name)
    return found === undefined ? undefined : knownColumns(found, planOf)
  }
  // An over window adds to rows that are known only when those of its input are.
  if (plan.op !== 'window' || plan.options.window?.kind === 'over') return undefined
  const bounds =
    plan.options.window === undefined || plan.options.window.kind === 'counting' ? [] : ['windowStart', 'windowEnd']
  return [
    ...plan.options.by.map(c => c.name),
    ...bounds,
    ...plan.options.aggregates.map(a => a.name),
    'kind',
    'revision',
  ]
}

/** Throws FIELD_UNKNOWN when `plan` names a field that its input, known from a plan, has not. */
export function requireFields(
  plan: PlanNode,
  planOf: (name: string) => PlanNode | undefined,
  consumer: { name: string; cellId?: string | undefined },
): void {
  const requireOf = (input: PlanNode, fields: readonly string[]) => {
    const columns = knownColumns(input, planOf)
    if (columns === undefined) return
    const gone = fields.find(field => !columns.includes(field))
    if (gone === undefined) return
    const from = namesIn(input)[0]
    throw new StreamError({
      code: 'FIELD_UNKNOWN',
      message: `Cannot run stream "${consumer.name}": ${from === undefined ? 'its input' : `stream "${from}"`} has no field "${gone}"`,
      detail: `${consumer.cellId === undefined ? '' : `used in cell ${consumer.cellId}; `}fields are ${columns.join(', ')}`,
      hint: `${nearest(gone, columns)}Correct the cell of "${consumer.name}" and run it again`,
    })
  }
  visit(plan, node => {
    if (node.op === 'join') {
      const named = (side: 'left' | 'right') =>
        node.options.on.flatMap(column => (typeof column[side] === 'string' ? [column[side]] : []))
      requireOf(node.left, named('left'))
      requireOf(node.right, named('right'))
    }
    if (node.op !== 'window') return
    requireOf(node.input, [
      ...node.options.by.flatMap(column => (column.f === undefined ? [column.name] : [])),
      ...node.options.aggregates.flatMap(({ aggregate }) =>
        typeof aggregate.value === 'string' ? [aggregate.value] : [],
      ),
    ])
  })
}

/** Why a chart cannot draw the fields it names; undefined when it can, or when the plan does not tell the columns. */
export function chartRefusal(
  stream: string,
  fields: readonly (string | undefined)[],
  columns: readonly string[] | undefined,
  cellId: string | undefined,
): StreamError | undefined {
  const gone = fields.find(field => field !== undefined && !field.startsWith('$') && columns?.includes(field) === false)
  if (gone === undefined || columns === undefined) return undefined
  return new StreamError({
    code: 'CHART_INVALID',
    message: `Cannot draw stream "${stream}": it has no field "${gone}"`,
    detail: `${cellId === undefined ? '' : `drawn in cell ${cellId}; `}fields are ${columns.join(', ')}`,
    hint: `${nearest(gone, columns)}Name one of its fields in --x, --y or --color`,
  })
}

/** Marks that draw what only streams of one kind have, and how such a stream is made. */
const NEEDS: Readonly<
  Record<string, { readonly of: 'join' | 'pattern' | 'scores'; readonly lacks: string; readonly hint: string }>
> = {
  lanes: {
    of: 'join',
    lacks: 'it is not what a join gives',
    hint: 'Lanes are drawn of a join itself: %%join orders payments --on orderId --within 5m',
  },
  timeline: {
    of: 'pattern',
    lacks: 'its rows are no matches of a pattern',
    hint: 'A timeline is drawn of a pattern: %%cep STREAM --by FIELD',
  },
  scores: {
    of: 'scores',
    lacks: 'its rows have no score',
    hint: 'Scores are drawn of a scored stream: %%score STREAM --detector half-space-trees --features FIELD',
  },
}

/** Why a chart cannot have its mark; undefined when it can. */
export function markRefusal(stream: string, mark: string | undefined, concept: ChartConcept): StreamError | undefined {
  const need = mark === undefined ? undefined : NEEDS[mark]
  if (need === undefined || concept[need.of] !== undefined) return undefined
  return new StreamError({
    code: 'CHART_INVALID',
    message: `Cannot draw stream "${stream}" as ${mark}: ${need.lacks}`,
    hint: need.hint,
  })
}

/** Name of the stream behind an expression that was shown without a name of its own. */
export const viewName = (key: string): string => `view-${key}`
export const isView = (name: string): boolean => name.startsWith('view-')
