/** Bundles from a file may have been written by anybody: only what has the right shape is drawn. */
import { isPlain } from '../../stream/charts/shape.ts'
import { cleanText, plainValue } from '../../stream/charts/columns.ts'
import { PROTOCOL_VERSION } from '../../stream/charts/protocol.ts'
import { isJoinStatus } from '../../stream/charts/lanes-shape.ts'
import { rowsFromText } from '../../stream/charts/row-text.ts'
import { isPatternView } from '../../stream/charts/pattern-shape.ts'
import { isScoresStatus } from '../../stream/charts/scores-shape.ts'
import type { ChartChanges, LiveBundle, ParamBundle } from '../../stream/charts/protocol.ts'

const MOST_ROWS = 5000

/** A live bundle of this protocol version, or null. */
export function readBundle(value: unknown): LiveBundle | null {
  if (!isPlain(value) || value['protocol'] !== PROTOCOL_VERSION) return null
  const { instance, chartId, stream, title, spec, columns, retention, fps, last } = value
  const texts = [instance, chartId, stream, title].every(text => typeof text === 'string')
  const drawable = spec === null || isPlain(spec)
  if (!texts || !drawable || !isColumns(columns) || !isPlain(retention) || typeof retention['rows'] !== 'number')
    return null
  if (typeof fps !== 'number' || !(fps >= 1 && fps <= 20)) return null
  if (!isPlain(last) || typeof last['sequence'] !== 'number' || !isStatus(last['status'])) return null
  const rows = readRows(last['rows'])
  if (rows === null) return null
  const changes = last['changes'] === undefined ? {} : { changes: readChanges(last['changes']) }
  const read = { ...value, title: cleanText(String(title)), last: { ...last, rows: rows.map(plainRow), ...changes } }
  return read as unknown as LiveBundle
}

/** A kernel gives a list, a file has a text; null for anything else. */
function readRows(told: unknown): readonly Record<string, unknown>[] | null {
  const rows: unknown = typeof told === 'string' ? rowsFromText(told, MOST_ROWS) : told
  if (!Array.isArray(rows) || rows.length > MOST_ROWS) return null
  return rows.every(row => isPlain(row) && typeof row['$key'] === 'string') ? rows : null
}

/** Undefined: as if nobody had asked for them. */
function readChanges(value: unknown): ChartChanges | undefined {
  if (!isPlain(value) || !Number.isFinite(value['since']) || !Number.isFinite(value['upTo'])) return undefined
  const { entries } = value
  if (!Array.isArray(entries) || entries.length > 1000) return undefined
  const whole = entries.every(
    entry =>
      isPlain(entry) &&
      Number.isFinite(entry['number']) &&
      (entry['weight'] === 1 || entry['weight'] === -1) &&
      (entry['atMs'] === null || Number.isFinite(entry['atMs'])) &&
      isPlain(entry['row']),
  )
  if (!whole) return undefined
  const changes = value as unknown as ChartChanges
  return { ...changes, entries: changes.entries.map(entry => ({ ...entry, row: plainRow(entry.row) })) }
}

/** As a live row is made: no control or direction marks, nothing nested. */
function plainRow(row: Record<string, unknown>): Record<string, unknown> {
  const plain: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(row)) plain[name] = name === '$key' ? value : plainValue(value)
  return plain
}

export function readParam(value: unknown): ParamBundle | null {
  if (!isPlain(value) || value['protocol'] !== PROTOCOL_VERSION || typeof value['name'] !== 'string') return null
  if (!['number', 'string', 'boolean'].includes(typeof value['value'])) return null
  const { choices } = value
  if (choices !== undefined && !(Array.isArray(choices) && choices.length <= 1000)) return null
  return value as unknown as ParamBundle
}

function isStatus(value: unknown): boolean {
  if (!isPlain(value) || typeof value['state'] !== 'string' || !Array.isArray(value['errors'])) return false
  if (value['time'] !== undefined && !isTime(value['time'])) return false
  if (value['pattern'] !== undefined && !isPatternView(value['pattern'])) return false
  if (value['join'] !== undefined && !isJoinStatus(value['join'])) return false
  if (value['scores'] !== undefined && !isScoresStatus(value['scores'])) return false
  if (value['changes'] !== undefined && !isCounts(value['changes'])) return false
  if (value['waitingCount'] !== undefined && typeof value['waitingCount'] !== 'number') return false
  return ['recordsPerSecond', 'recordCount', 'rowCount', 'lateCount', 'droppedCount', 'errorCount'].every(
    name => typeof value[name] === 'number',
  )
}

function isCounts(value: unknown): boolean {
  return isPlain(value) && typeof value['insertedCount'] === 'number' && typeof value['retractedCount'] === 'number'
}

function isTime(value: unknown): boolean {
  if (!isPlain(value)) return false
  const { sources, late } = value
  if (!Array.isArray(sources) || sources.length > 100 || !Array.isArray(late) || late.length > 100) return false
  return (
    sources.every(partitions => Array.isArray(partitions) && partitions.every(isPlain)) &&
    late.every(one => isPlain(one) && typeof one['eventTimeMs'] === 'number' && typeof one['reason'] === 'string')
  )
}

function isColumns(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length <= 500 &&
    value.every(column => isPlain(column) && typeof column['name'] === 'string')
  )
}
