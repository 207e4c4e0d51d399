/**
 * Columns of drawn rows: which kind each one is, and how any value becomes something that JSON and a chart can carry.
 * Names starting with `$` belong to the chart (`$key`, `$open`, `$at`, `$series`) and are never a column.
 */
import { shortened } from '../shown-text.ts'
import type { ChartColumn } from './protocol.ts'
import type { ChartConcept } from './concept.ts'

const TEXT_LIMIT = 200
/** 2001 to 2286 in epoch ms: what a field with the name of a time may hold to be drawn as one. */
const INSTANT_RANGE = [1e12, 1e13] as const
const INSTANT_NAME = /(At|Ms|Time|Date|_at|_ms|_time)$|^(ts|at|time|timestamp|date)$/
/** Control characters, and the marks that turn writing direction: they could fake a label. */
// eslint-disable-next-line no-control-regex
const UNSAFE_TEXT = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** The columns a concept promises before any row is there. */
export function promisedColumns(concept: ChartConcept): ChartColumn[] {
  if (concept.form === 'rows') return []
  const bounds: ChartColumn[] =
    concept.form === 'window'
      ? [
          { name: 'windowStart', kind: 'instant' },
          { name: 'windowEnd', kind: 'instant' },
        ]
      : []
  return [
    ...concept.by.map((name): ChartColumn => ({ name, kind: 'text' })),
    ...bounds,
    ...concept.aggregates.map((name): ChartColumn => ({ name, kind: 'number' })),
  ]
}

/**
 * Columns after more rows were seen: new fields are appended, a column whose values disagree becomes `other`.
 * Gives back `columns` itself when nothing changed. `settled` columns (promised ones) never change their kind.
 */
export function widenColumns(
  columns: readonly ChartColumn[],
  rows: readonly Readonly<Record<string, unknown>>[],
  settled: ReadonlySet<string>,
): readonly ChartColumn[] {
  const kinds = new Map(columns.map(column => [column.name, column.kind]))
  let changed = false
  for (const row of rows) {
    for (const [name, value] of Object.entries(row)) {
      if (name.startsWith('$') || value === null || value === undefined) continue
      const known = kinds.get(name)
      if (known !== undefined && settled.has(name)) continue
      const kind = kindOf(name, value)
      if (known === kind || known === 'other') continue
      kinds.set(name, known === undefined ? kind : 'other')
      changed = true
    }
  }
  return changed ? [...kinds].map(([name, kind]) => ({ name, kind })) : columns
}

function kindOf(name: string, value: unknown): ChartColumn['kind'] {
  if (typeof value === 'boolean') return 'boolean'
  if (typeof value === 'string') return 'text'
  if (typeof value !== 'number') return 'other'
  return INSTANT_NAME.test(name) && value >= INSTANT_RANGE[0] && value < INSTANT_RANGE[1] ? 'instant' : 'number'
}

/** A value as drawn: finite numbers, short clean text, booleans, null. Dates are epoch ms, anything nested is JSON text. */
export function plainValue(value: unknown): string | number | boolean | null {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? value : null
    case 'string':
      return cleanText(value)
    case 'boolean':
      return value
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
    case 'object':
      if (value === null) return null
      if (value instanceof Date) return plainValue(value.getTime())
      return cleanText(nestedText(value))
    default:
      return value === undefined ? null : cleanText(String(value))
  }
}

/** Text from a stream, fit for a label: no control or direction marks, at most 200 characters. */
export function cleanText(text: string): string {
  return shortened(text.replace(UNSAFE_TEXT, '�'), TEXT_LIMIT)
}

/** The same characters as escapes, where a text is shown for what it is. */
export function escapeUnseen(text: string): string {
  return text.replace(UNSAFE_TEXT, one => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function nestedText(value: object): string {
  try {
    return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? inner.toString() : inner)) ?? ''
  } catch {
    return '[object]'
  }
}
