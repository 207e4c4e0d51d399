/** The records of an event one by one, for the few pipelines whose result is an order across stages. */
import type { EnvelopeBatch, SourceEvent } from '../model.ts'

export function singles(event: SourceEvent): SourceEvent[] {
  if (event.kind === 'envelopes') {
    const { batch } = event
    if (batch.count <= 1) return [event]
    return Array.from({ length: batch.count }, (_, i) => ({
      kind: 'envelopes' as const,
      batch: singleEnvelope(batch, i),
    }))
  }
  if (event.kind !== 'rows' || (event.count ?? event.rows.length) <= 1) return [event]
  const { rows, partitions, keys, eventTimesMs, processingTimeMs } = event
  return rows.map((row, i) => ({
    kind: 'rows' as const,
    rows: [row],
    partitions: partitions?.subarray(i, i + 1),
    keys: keys?.slice(i, i + 1),
    eventTimesMs: eventTimesMs?.subarray(i, i + 1),
    processingTimeMs,
  }))
}

/** One record with only its own bytes: decoders look at the whole buffer. */
function singleEnvelope(batch: EnvelopeBatch, i: number): EnvelopeBatch {
  const key = batch.keyRanges.subarray(2 * i, 2 * i + 2)
  const value = batch.valueRanges.subarray(2 * i, 2 * i + 2)
  const used = [key, value].filter(range => range[1]! > 0)
  const start = Math.min(...used.map(range => range[0]!), batch.bytes.length)
  const end = Math.max(...used.map(range => range[0]! + range[1]!), start)
  const moved = (range: Int32Array) => Int32Array.of(range[1]! > 0 ? range[0]! - start : 0, range[1]!)
  return {
    count: 1,
    partitions: batch.partitions.subarray(i, i + 1),
    offsets: batch.offsets.subarray(i, i + 1),
    timestampsMs: batch.timestampsMs.subarray(i, i + 1),
    bytes: batch.bytes.subarray(start, end),
    keyRanges: moved(key),
    valueRanges: moved(value),
    headers: batch.headers?.slice(i, i + 1),
    schemas: batch.schemas,
    log: batch.log,
  }
}
