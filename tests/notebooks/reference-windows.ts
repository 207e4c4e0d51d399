/**
 * Tumbling windows over a topic's dump in the dumbest way: arrays, no cleverness, and not one import.
 *
 * The dump is merged as a reader of history must (always the partition whose next record has the smallest timestamp, then the
 * smaller partition). A record is dropped when its window's end − 1 had been reached by the watermark before it: the smallest
 * over all partitions of (largest event time so far − bound − 1), a partition without a record yet holding it at −Infinity.
 */
export interface DumpedRecord {
  readonly partition: number
  readonly offset: number
  readonly key: unknown
  /** The record's own timestamp, epoch ms. */
  readonly timestampMs: number
  readonly row: Readonly<Record<string, unknown>>
}

export interface ReferenceWindow {
  readonly key: string
  readonly windowStart: number
  readonly windowEnd: number
  readonly count: number
}

export function mergeHistory(dump: readonly DumpedRecord[]): DumpedRecord[] {
  const partitions = [...new Set(dump.map(r => r.partition))].sort((a, b) => a - b)
  const queues = partitions.map(p => dump.filter(r => r.partition === p).sort((a, b) => a.offset - b.offset))
  const merged: DumpedRecord[] = []
  for (;;) {
    const heads = queues.filter(queue => queue.length > 0)
    if (heads.length === 0) return merged
    heads.sort((a, b) => a[0]!.timestampMs - b[0]!.timestampMs || a[0]!.partition - b[0]!.partition)
    merged.push(heads[0]!.shift()!)
  }
}

export function tumblingCounts(
  dump: readonly DumpedRecord[],
  options: { time: string; by: string; sizeMs: number; outOfOrderMs: number; partitions: number },
): { windows: ReferenceWindow[]; droppedCount: number } {
  const largest: number[] = []
  for (let p = 0; p < options.partitions; p++) largest.push(-Infinity)
  const windows: { key: string; windowStart: number; windowEnd: number; count: number }[] = []
  let watermarkMs = -Infinity
  let droppedCount = 0
  for (const record of mergeHistory(dump)) {
    const time = record.row[options.time]
    const eventTimeMs = typeof time === 'number' ? time : Date.parse(String(time))
    const windowStart = Math.floor(eventTimeMs / options.sizeMs) * options.sizeMs
    const windowEnd = windowStart + options.sizeMs
    const key = String(record.row[options.by])
    if (windowEnd - 1 <= watermarkMs) droppedCount += 1
    else {
      const window = windows.find(w => w.key === key && w.windowStart === windowStart)
      if (window === undefined) windows.push({ key, windowStart, windowEnd, count: 1 })
      else window.count += 1
    }
    largest[record.partition] = Math.max(largest[record.partition]!, eventTimeMs)
    watermarkMs = Math.max(watermarkMs, Math.min(...largest) - options.outOfOrderMs - 1)
  }
  return { windows, droppedCount }
}
