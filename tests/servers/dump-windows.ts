/**
 * Windows over a topic as another client dumped it, by a program that imports nothing of the product. Records are read as history is:
 * by smallest timestamp, then partition; a partition at its end holds the watermark no longer.
 */
export interface Dumped {
  readonly partition: number
  readonly timestampMs: number
  readonly key: string
  readonly atMs: number
  readonly amount: number
}

export interface DumpedWindow {
  readonly key: string
  readonly startMs: number
  total: number
  count: number
}

/** Tumbling windows by key, and how many records came after their window had closed. */
export function windowsOfDump(
  records: readonly Dumped[],
  { sizeMs, boundMs }: { readonly sizeMs: number; readonly boundMs: number },
): { readonly windows: DumpedWindow[]; readonly dropped: number } {
  const queues = new Map<number, Dumped[]>()
  for (const record of records) {
    const queue = queues.get(record.partition)
    if (queue === undefined) queues.set(record.partition, [record])
    else queue.push(record)
  }
  const places = new Map([...queues.keys()].map(partition => [partition, 0]))
  const highest = new Map<number, number>()
  const windows = new Map<string, DumpedWindow>()
  let watermark = -Infinity
  let dropped = 0
  const active = () => [...queues.keys()].filter(partition => places.get(partition)! < queues.get(partition)!.length)
  for (let left = active(); left.length > 0; left = active()) {
    let next = left[0]!
    const head = (partition: number) => queues.get(partition)![places.get(partition)!]!.timestampMs
    for (const partition of left)
      if (head(partition) < head(next) || (head(partition) === head(next) && partition < next)) next = partition
    const record = queues.get(next)![places.get(next)!]!
    const startMs = Math.floor(record.atMs / sizeMs) * sizeMs
    if (startMs + sizeMs - 1 <= watermark) dropped++
    else {
      const name = `${startMs} ${record.key}`
      const window = windows.get(name) ?? { key: record.key, startMs, total: 0, count: 0 }
      window.total += record.amount
      window.count++
      windows.set(name, window)
    }
    places.set(next, places.get(next)! + 1)
    highest.set(next, Math.max(highest.get(next) ?? -Infinity, record.atMs))
    const reading = active()
    const marks = reading.map(partition => (highest.get(partition) ?? -Infinity) - boundMs - 1)
    if (marks.length > 0) watermark = Math.max(watermark, Math.min(...marks))
  }
  return { windows: [...windows.values()].sort(byStart), dropped }
}

function byStart(a: DumpedWindow, b: DumpedWindow): number {
  return a.startMs === b.startMs ? (a.key < b.key ? -1 : 1) : a.startMs - b.startMs
}
