/** Cuts source events into slices of at most so many records; where a batch is cut never changes a result (stream/model.ts). */
import type { Columns, EnvelopeBatch, SourceEvent } from '../model.ts'
import { rowsOf } from '../operators/columns.ts'

type RowsEvent = Extract<SourceEvent, { kind: 'rows' }>

export const recordCount = (event: SourceEvent): number =>
  event.kind === 'envelopes' ? event.batch.count : event.kind === 'rows' ? (event.count ?? event.rows.length) : 0

/** Bytes a kept event holds, roughly. */
export function sizeOf(event: SourceEvent): number {
  if (event.kind === 'envelopes') return event.batch.bytes.length + event.batch.count * 36
  if (event.kind !== 'rows') return 50
  if (event.columns === undefined) return event.rows.length * 200
  return Object.values(event.columns).reduce(
    (sum, column) => sum + (ArrayBuffer.isView(column) ? column.byteLength : column.length * 40),
    0,
  )
}

/** The event with its rows, which are made of its columns when somebody looks and may be missing on the way between threads. */
export function withRows(event: RowsEvent): RowsEvent {
  const { columns, count } = event
  if (columns === undefined || count === undefined) return event
  // To ask for their number would make them.
  const rows = Object.getOwnPropertyDescriptor(event, 'rows')
  if (rows?.get !== undefined || event.rows.length === count) return event
  let made: readonly unknown[] | undefined
  return {
    ...event,
    get rows() {
      return (made ??= rowsOf(columns, count))
    },
  }
}

/** Values `from` to `to` of each column, in memory of their own: a view would take all of its memory along to another thread. */
export function sliceColumns(columns: Columns, from: number, to: number): Columns {
  const cut = (column: ArrayLike<unknown>): ArrayLike<unknown> =>
    Array.isArray(column) || ArrayBuffer.isView(column)
      ? (column as unknown[]).slice(from, to)
      : Array.from({ length: to - from }, (_, i) => column[from + i])
  return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, cut(column)]))
}

/** Records `from` to `to` of an event, in memory of their own. */
export function sliceOf(event: SourceEvent, from: number, to: number): SourceEvent {
  if (from === 0 && to >= recordCount(event)) return event
  if (event.kind === 'envelopes') return { ...event, batch: sliceBatch(event.batch, from, to) }
  if (event.kind !== 'rows') return event
  const { columns } = event
  return {
    kind: 'rows',
    rows: columns === undefined ? event.rows.slice(from, to) : [],
    ...(columns === undefined ? {} : { columns: sliceColumns(columns, from, to), count: to - from }),
    partitions: event.partitions?.slice(from, to),
    keys: event.keys?.slice(from, to),
    processingTimeMs: event.processingTimeMs,
    eventTimesMs: event.eventTimesMs?.slice(from, to),
  }
}

export function sliceBatch(batch: EnvelopeBatch, from: number, to: number): EnvelopeBatch {
  const keyRanges = batch.keyRanges.slice(2 * from, 2 * to)
  const valueRanges = batch.valueRanges.slice(2 * from, 2 * to)
  let start = Infinity
  let end = 0
  for (const ranges of [keyRanges, valueRanges]) {
    for (let i = 0; i < ranges.length; i += 2) {
      if (ranges[i + 1]! < 0) continue
      start = Math.min(start, ranges[i]!)
      end = Math.max(end, ranges[i]! + ranges[i + 1]!)
    }
  }
  if (start > end) start = end
  for (const ranges of [keyRanges, valueRanges])
    for (let i = 0; i < ranges.length; i += 2) ranges[i] = ranges[i]! - start
  return {
    count: to - from,
    partitions: batch.partitions.slice(from, to),
    offsets: batch.offsets.slice(from, to),
    timestampsMs: batch.timestampsMs.slice(from, to),
    bytes: batch.bytes.slice(start, end),
    keyRanges,
    valueRanges,
    headers: batch.headers?.slice(from, to),
    schemas: batch.schemas,
    log: batch.log,
  }
}
