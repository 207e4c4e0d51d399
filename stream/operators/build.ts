/** From plan nodes to operators: one row per operator, so that a new one is added in one place. */
import { isNumeric } from '../aggregates/numeric.ts'
import type { FeedNode, PlanNode, WindowOptions } from '../plan.ts'
import { layoutOf } from '../aggregates/layout-of.ts'
import { changesOperator } from './changes.ts'
import { ColumnSessionOperator } from './column-session.ts'
import { ColumnWindowOperator } from './column-window.ts'
import type { ColumnAggregate } from './column-aggregates.ts'
import { CountingOperator } from './counting.ts'
import { DistinctOperator } from './distinct.ts'
import { filterOperator } from './filter.ts'
import { flatMapOperator } from './flat-map.ts'
import { lambdaOf } from './lambda.ts'
import type { LambdaHost } from './lambda.ts'
import { mapOperator } from './map.ts'
import { MatchOperator } from './match.ts'
import type { Operator, StageContext } from './operator.ts'
import { OverOperator } from './over.ts'
import { RowReader } from './row-reader.ts'
import { RunningOperator } from './running.ts'
import { ScoreOperator } from './score.ts'
import { ScoreModelOperator } from './score-model.ts'
import type { ModelHost } from './score-model.ts'
import { SessionOperator } from './session.ts'
import { TopFirst } from './top-first.ts'
import { mayRetract } from './may-retract.ts'
import { customFunctionsOf, inputOf, readerOf } from './window-inputs.ts'
import { windowShape } from './window-shape.ts'
import { WindowOperator } from './window.ts'

/** Nodes that become one operator between their input and the next stage. */
export type OperatorNode = Extract<
  PlanNode,
  { op: 'filter' | 'map' | 'flatMap' | 'distinct' | 'window' | 'match' | 'score' | 'changes' }
>

export function buildOperator(node: OperatorNode, host: ModelHost, context: StageContext): Operator {
  switch (node.op) {
    case 'filter':
      return filterOperator(lambdaOf(node.f, host), context)
    case 'map':
      return mapOperator(lambdaOf(node.f, host), context)
    case 'flatMap':
      return flatMapOperator(lambdaOf(node.f, host), context)
    case 'distinct':
      return new DistinctOperator({ by: node.by, retracts: mayRetract(node.input), context })
    case 'changes':
      return changesOperator()
    case 'match': {
      const keys = node.options.by.map(({ name, f }) => readerOf(name, f ?? name, host))
      return new MatchOperator(node.options, keys, host, context)
    }
    case 'score': {
      const keys = node.options.by.map(({ name, f }) => readerOf(name, f ?? name, host))
      if (node.options.model !== undefined) return new ScoreModelOperator(node.options, keys, host, context)
      return new ScoreOperator(node.options, keys, host, context)
    }
    case 'window':
      return columnWindow(node, context) ?? windowOperator(node.options, mayRetract(node.input), host, context)
  }
}

function windowOperator(options: WindowOptions, retracts: boolean, host: LambdaHost, context: StageContext): Operator {
  const keys = options.by.map(({ name, f }) => readerOf(name, f ?? name, host))
  const inputs = options.aggregates.map(named => inputOf(named, host))
  const specs = options.aggregates.map(a => a.aggregate)
  const layout = layoutOf(specs, retracts, customFunctionsOf(host))
  const reader = new RowReader(keys, inputs, layout, context)
  const keyNames = options.by.map(k => k.name)
  const aggregateNames = options.aggregates.map(a => a.name)
  const { window } = options
  if (window === undefined) return new RunningOperator({ keyNames, layout, aggregateNames, reader })
  if (window.kind === 'tumbling' || window.kind === 'hopping' || window.kind === 'cumulating') {
    const shape = windowShape(window)
    const { latenessMs, emit } = options
    const operator = new WindowOperator({ shape, keyNames, layout, aggregateNames, reader, latenessMs, emit, context })
    const [only] = specs
    const topOnly = specs.length === 1 && only?.kind === 'topK' && keys.length === 0
    if (!topOnly || latenessMs > 0 || emit !== 'final' || typeof only.value !== 'string') return operator
    return new TopFirst(operator, shape, only.k ?? 1, only.value)
  }
  const parts = { keyNames, layout, aggregateNames, reader, context }
  if (window.kind === 'session') {
    return new SessionOperator({ ...parts, gapMs: window.gapMs, latenessMs: options.latenessMs, emit: options.emit })
  }
  if (window.kind === 'over') return new OverOperator({ ...parts, sizeMs: window.sizeMs, rowCount: window.rowCount })
  return new CountingOperator({ ...parts, size: window.size, slide: window.slide })
}

/** Windows of numbers by one whole-number key: loops over columns. */
function columnWindow(
  { input, options }: Extract<PlanNode, { op: 'window' }>,
  context: StageContext,
): Operator | undefined {
  const kinds = columnKinds(input)
  const { window, by, aggregates, latenessMs, emit } = options
  const key = by[0]
  const aligned = window?.kind === 'tumbling' || window?.kind === 'hopping' || window?.kind === 'cumulating'
  const known = aligned || window?.kind === 'session'
  if (kinds === undefined || !known || key === undefined || by.length > 1) return undefined
  if (latenessMs > 0 || emit !== 'final' || key.f !== undefined || kinds[key.name] !== 'int') return undefined
  const columns: ColumnAggregate[] = []
  for (const { name, aggregate } of aggregates) {
    const { kind, value } = aggregate
    if (!isNumeric(kind) || (value !== undefined && (typeof value !== 'string' || kinds[value] === undefined)))
      return undefined
    columns.push({ name, kind, field: value, column: value === undefined ? undefined : kinds[value] })
  }
  const parts = { key: key.name, keyName: key.name, aggregates: columns, context }
  return window.kind === 'session'
    ? new ColumnSessionOperator({ ...parts, gapMs: window.gapMs })
    : new ColumnWindowOperator({ ...parts, shape: windowShape(window) })
}

function columnKinds(node: PlanNode): FeedNode['columns'] {
  if (node.op === 'filter') return columnKinds(node.input)
  return node.op === 'feed' ? node.columns : undefined
}
