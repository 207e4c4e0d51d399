/** Cuts source events into slices of at most so many records; where a batch is cut never changes a result (stream/model.ts). */
import type { EnvelopeBatch, SourceEvent } from '../model.ts'

export const recordCount = (event: SourceEvent): number =>
  event.kind === 'envelopes' ? event.batch.count : event.kind === 'rows' ? event.rows.length : 0

/** Bytes a kept event holds, roughly. */
export function sizeOf(event: SourceEvent): number {
  if (event.kind === 'envelopes') return event.batch.bytes.length + event.batch.count * 36
  return event.kind === 'rows' ? event.rows.length * 200 : 50
}

/** Records `from` to `to` of an event, in memory of their own. */
export function sliceOf(event: SourceEvent, from: number, to: number): SourceEvent {
  if (from === 0 && to >= recordCount(event)) return event
  if (event.kind === 'envelopes') return { ...event, batch: sliceBatch(event.batch, from, to) }
  if (event.kind !== 'rows') return event
  return {
    kind: 'rows',
    rows: event.rows.slice(from, to),
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
  }
}
