/** One line about a plan, for `%streams`: `orders → filter → tumbling 10s by region`. */
import type { PlanNode, WindowOptions } from '../plan.ts'
import type { ColumnType } from '../model.ts'
import { formatDuration } from '../time/duration.ts'

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
    default:
      return `${outline(plan.input)} → ${plan.op}`
  }
}

function windowText(options: WindowOptions): string {
  const by = options.by.length === 0 ? '' : ` by ${options.by.map(k => k.name).join(', ')}`
  const w = options.window
  if (w === undefined) return `aggregate${by}`
  switch (w.kind) {
    case 'tumbling':
      return `tumbling ${formatDuration(w.sizeMs)}${by}`
    case 'hopping':
      return `hopping ${formatDuration(w.sizeMs)}/${formatDuration(w.slideMs)}${by}`
    case 'cumulating':
      return `cumulating ${formatDuration(w.maxSizeMs)}/${formatDuration(w.stepMs)}${by}`
    case 'session':
      return `session ${formatDuration(w.gapMs)}${by}`
    case 'counting':
      return `counting ${w.size}${w.slide === w.size ? '' : `/${w.slide}`}${by}`
  }
}

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
      return columnsOf(plan.input, known)
    case 'map':
    case 'flatMap':
      return undefined
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
      const bounds = window === undefined || window.kind === 'counting' ? [] : BOUNDS
      return [...keys, ...bounds, ...aggregates.map(a => ({ name: a.name, type: 'number' })), ...KIND]
    }
  }
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
