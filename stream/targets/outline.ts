/** One line about a plan, for `%streams`: `orders → filter → tumbling 10s by region`. */
import type { AggregateSpec, CalendarSize, JoinSpec, MatchOptions, PlanNode, WindowOptions } from '../plan.ts'
import type { ColumnType } from '../model.ts'
import { parsePattern } from '../patterns/parse.ts'
import { formatDuration } from '../time/duration.ts'

/** The last step of a plan: `tumbling 10s by region`. */
export function stepText(plan: PlanNode): string {
  if (plan.op === 'window') return windowText(plan.options)
  return plan.op === 'join' ? joinText(plan.options) : plan.op
}

export function outline(plan: PlanNode): string {
  switch (plan.op) {
    case 'topic':
      return plan.connection === 'embedded' ? plan.topic : `${plan.connection}:${plan.topic}`
    case 'feed':
      return plan.bounded ? 'rows' : 'feed'
    case 'stream':
      return plan.name
    case 'window':
      return `${outline(plan.input)} → ${windowText(plan.options)}`
    case 'match': {
      const { by, pattern, output } = plan.options
      const of = output === 'matches' ? '' : `${output === 'timeouts' ? 'timeouts' : 'near misses'} of `
      return `${outline(plan.input)} → ${of}${pattern}${by.length === 0 ? '' : ` by ${by.map(k => k.name).join(', ')}`}`
    }
    case 'score': {
      const { detector, by } = plan.options
      const keys = by.length === 0 ? '' : ` by ${by.map(k => k.name).join(', ')}`
      return `${outline(plan.input)} → ${detector}${keys}`
    }
    case 'union':
      return `${outline(plan.left)} + ${outline(plan.right)}`
    case 'join':
      return `${outline(plan.left)} ⋈ ${outline(plan.right)} → ${joinText(plan.options)}`
    default:
      return `${outline(plan.input)} → ${plan.op}`
  }
}

function joinText({ mode, type, on }: JoinSpec): string {
  const how =
    mode.kind === 'interval'
      ? `within ${formatDuration(mode.fromMs)}..${formatDuration(mode.toMs)}`
      : mode.kind === 'window'
        ? mode.window.kind
        : mode.kind === 'ttl'
          ? `ttl ${formatDuration(mode.ttlMs)}`
          : mode.kind === 'asOf'
            ? 'as of'
            : 'table'
  const fields = on.map(column => (typeof column.left === 'string' ? column.left : 'key')).join(', ')
  return `${type} join ${how} on ${fields}`
}

function windowText(options: WindowOptions): string {
  const by = options.by.length === 0 ? '' : ` by ${options.by.map(k => k.name).join(', ')}`
  const w = options.window
  if (w === undefined) return `aggregate${by}`
  switch (w.kind) {
    case 'tumbling':
      return `tumbling ${w.calendar === undefined ? formatDuration(w.sizeMs) : calendarText(w.calendar)}${by}`
    case 'hopping':
      return `hopping ${formatDuration(w.sizeMs)}/${formatDuration(w.slideMs)}${by}`
    case 'cumulating':
      return `cumulating ${w.calendar === undefined ? formatDuration(w.maxSizeMs) : calendarText(w.calendar)}/${formatDuration(w.stepMs)}${by}`
    case 'session':
      return `session ${formatDuration(w.gapMs)}${by}`
    case 'over':
      return `over ${w.sizeMs === undefined ? w.rowCount : formatDuration(w.sizeMs)}${by}`
    case 'counting':
      return `counting ${w.size}${w.slide === w.size ? '' : `/${w.slide}`}${by}`
  }
}

function calendarText({ unit, count, zone }: CalendarSize): string {
  return `${count}${unit} ${zone}`
}

/** What an aggregate gives, as TypeScript. */
function resultType({ kind }: AggregateSpec): string {
  switch (kind) {
    case 'first':
    case 'last':
    case 'custom':
      return 'unknown'
    case 'collect':
      return 'unknown[]'
    case 'histogram':
      return '{ from: number; to: number; count: number }[]'
    case 'topK':
      return 'Record<string, unknown>[]'
    default:
      return 'number'
  }
}

const SCORE: ColumnType = { name: 'score', type: "import('riffle-kernel').Score" }

/** Columns of the result as far as the plan tells; undefined below a lambda that makes new rows. */
export function columnsOf(
  plan: PlanNode,
  known: (node: Extract<PlanNode, { op: 'topic' | 'feed' | 'stream' }>) => readonly ColumnType[] | undefined,
): readonly ColumnType[] | undefined {
  switch (plan.op) {
    case 'topic':
    case 'feed':
    case 'stream':
      return known(plan)
    case 'filter':
    case 'distinct':
      return columnsOf(plan.input, known)
    case 'map':
    case 'flatMap':
      return undefined
    case 'union':
      return columnsOf(plan.left, known)
    case 'join':
      return joinedColumns(plan.options)
    case 'match':
      return matchColumns(plan.options)
    case 'score': {
      const input = plan.options.output === undefined ? columnsOf(plan.input, known) : undefined
      return input === undefined ? undefined : [...input.filter(c => c.name !== 'score'), SCORE]
    }
    case 'late':
    case 'errors':
      return REFUSED
    case 'changes':
      return CHANGE
    case 'window': {
      const input = columnsOf(plan.input, known)
      const { by, aggregates, window } = plan.options
      const keys = by.map(
        k => input?.find(c => c.name === k.name && k.f === undefined) ?? { name: k.name, type: 'unknown' },
      )
      const results = aggregates.map(a => ({ name: a.name, type: resultType(a.aggregate) }))
      // Rows of over windows are the input's rows with more columns.
      if (window?.kind === 'over')
        return input === undefined ? undefined : withColumns(input, [...keys, ...results, ...KIND])
      const bounds = window === undefined || window.kind === 'counting' ? [] : BOUNDS
      return [...keys, ...bounds, ...results, ...KIND]
    }
  }
}

function joinedColumns({ f, mode, type }: JoinSpec): readonly ColumnType[] | undefined {
  if (f !== undefined) return undefined
  const row = (name: string, optional: boolean) => ({ name, type: optional ? 'unknown | null' : 'unknown' })
  const sides =
    type === 'semi' || type === 'anti'
      ? [row('left', false)]
      : [row('left', type === 'right' || type === 'full'), row('right', type === 'left' || type === 'full')]
  return mode.kind === 'window' ? [...sides, ...BOUNDS] : sides
}

function matchColumns({ output, pattern, by }: MatchOptions): readonly ColumnType[] {
  if (output === 'timeouts')
    return [
      { name: 'match', type: 'Record<string, unknown[]>' },
      { name: 'timeoutMs', type: 'number', instant: true },
    ]
  if (output === 'matches') return parsePattern(pattern).steps.map(name => ({ name, type: 'unknown[]' }))
  return [
    ...(by.length === 0 ? [] : [{ name: 'key', type: 'unknown' }]),
    { name: 'match', type: 'Record<string, unknown[]>' },
    { name: 'reached', type: 'string' },
    { name: 'awaited', type: 'readonly string[]' },
    { name: 'reason', type: "'false' | 'not' | 'time'" },
    { name: 'event', type: 'unknown', optional: true },
    { name: 'condition', type: 'string', optional: true },
    { name: 'explanation', type: 'string' },
    { name: 'endedMs', type: 'number', instant: true },
  ]
}

function withColumns(input: readonly ColumnType[], more: readonly ColumnType[]): readonly ColumnType[] {
  return [...input.filter(column => !more.some(other => other.name === column.name)), ...more]
}

const BOUNDS: readonly ColumnType[] = [
  { name: 'windowStart', type: 'number', instant: true },
  { name: 'windowEnd', type: 'number', instant: true },
]
const KIND: readonly ColumnType[] = [
  { name: 'kind', type: "'early' | 'onTime' | 'late'" },
  { name: 'revision', type: 'number' },
]
const REFUSED: readonly ColumnType[] = [
  { name: 'row', type: 'unknown' },
  { name: 'eventTimeMs', type: 'number', instant: true },
  { name: 'partition', type: 'number' },
  { name: 'offset', type: 'bigint' },
  { name: 'reason', type: 'string' },
]
const CHANGE: readonly ColumnType[] = [
  { name: 'weight', type: '1 | -1' },
  { name: 'row', type: 'unknown' },
]
