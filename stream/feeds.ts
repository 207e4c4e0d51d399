/**
 * Rows from the program itself: `from(rows)` reads an iterable when somebody consumes it, `feed()` is pushed into. Both are a
 * `feed` node in the plan; what is pushed goes through the runtime to every consumer in order.
 */
import { isMark, markKind } from './marks.ts'
import type { Mark } from './marks.ts'
import type { Columns } from './model.ts'
import { cutColumn, rowsOf } from './operators/columns.ts'
import { runtime } from './targets/runtime-registry.ts'
import type { FeedPort, RowSource } from './targets/runtime.ts'

const CHUNK_ROWS = 4096

/** Name of the method of an iterable that gives its rows in arrays: they are all there at once, and no marks are among them. */
export const ROW_BATCHES: unique symbol = Symbol.for('riffle.rowBatches') as never
const CHUNK_COLUMN_ROWS = 16_384

/** Something that has to be pumped into the runtime while somebody consumes it. */
export interface Pump {
  /** One more consumer: the first one starts the pump, or lets it go on. */
  begin(): void
  /** One consumer less: without any the pump rests before its next push, so that an endless source does not run for nobody. */
  release(): void
  /** What the source threw: the consumers saw an end, the error is told to whoever waits for the rows. */
  readonly failure: { readonly error: unknown } | undefined
}

export interface PumpOptions {
  readonly id: string
  /** Rows, with marks among them. */
  readonly rows: Iterable<unknown> | AsyncIterable<unknown>
  readonly partition?: ((row: unknown) => number) | undefined
}

/** Pumps an iterable into a feed: in chunks, waiting for the consumers after each, then ends it. */
export function iterablePump({ id, rows, partition }: PumpOptions): Pump {
  return pumpOf(id, port => {
    if (partition === undefined && Array.isArray(rows)) return pumpArray(port, rows)
    return partition === undefined && inBatches(rows) ? pumpBatches(port, rows) : pumpRows(port, rows, partition)
  })
}

/** Columns go in slices; where the runtime takes rows only, rows are made of them. */
export function columnsPump(id: string, columns: Columns, count: number): Pump {
  return pumpOf(id, async port => {
    for (let from = 0; from < count; from += CHUNK_COLUMN_ROWS) {
      const to = Math.min(count, from + CHUNK_COLUMN_ROWS)
      const slice = Object.fromEntries(
        Object.entries(columns).map(([name, column]) => [name, cutColumn(column, from, to)]),
      )
      if (port.pushColumns === undefined) await port.push(rowsOf(slice, to - from))
      else await port.pushColumns(slice, to - from)
    }
  })
}

/** Rows of a stream through a function of the program and into a feed, at most `inFlight` calls at a time, in order. */
export function asyncMapPump(id: string, open: () => RowSource, f: (row: unknown) => unknown, inFlight: number): Pump {
  return pumpOf(id, async port => {
    const source = open()
    try {
      for (let chunk = await source.next(); chunk !== null; chunk = await source.next()) {
        for (let at = 0; at < chunk.rows.length; at += inFlight) {
          const results = await Promise.all(chunk.rows.slice(at, at + inFlight).map(async row => f(row)))
          await port.push(results, { eventTimesMs: chunk.eventTimesMs.slice(at, at + inFlight) })
        }
        if (chunk.watermarkMs !== undefined && Number.isFinite(chunk.watermarkMs))
          await port.watermark(chunk.watermarkMs)
      }
    } finally {
      await source.close()
    }
  })
}

export function pumpOf(id: string, work: (port: FeedPort) => Promise<void>): Pump {
  let consumers = 0
  let begun = false
  let failure: Pump['failure']
  let wake: (() => void) | undefined
  const wanted = async () => {
    while (consumers === 0) {
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
  }
  const run = async () => {
    const port = runtime().feed(id)
    const waiting: FeedPort = {
      push: (rows, options) => wanted().then(() => port.push(rows, options)),
      ...(port.pushColumns === undefined
        ? {}
        : { pushColumns: (columns, count) => wanted().then(() => port.pushColumns?.(columns, count)) }),
      watermark: (watermarkMs, partition) => port.watermark(watermarkMs, partition),
      idle: partition => port.idle(partition),
      end: () => port.end(),
    }
    try {
      await work(waiting)
    } catch (error) {
      failure = { error }
    }
    await port.end()
  }
  return {
    get failure() {
      return failure
    },
    begin() {
      consumers++
      wake?.()
      if (begun) return
      begun = true
      run().catch((error: unknown) => {
        failure ??= { error }
      })
    },
    release() {
      consumers--
    },
  }
}

/** An array goes in slices: nothing is looked at but marks. */
async function pumpArray(port: FeedPort, rows: readonly unknown[]): Promise<void> {
  let start = 0
  for (let i = 0; i <= rows.length; i++) {
    const row = rows[i]
    const mark = i < rows.length && isMark(row) ? row : undefined
    if (mark === undefined && i < rows.length && i - start < CHUNK_ROWS) continue
    if (i > start) await port.push(rows.slice(start, i))
    start = i
    if (mark === undefined) continue
    await tell(port, mark)
    start = i + 1
  }
}

interface RowBatches {
  [ROW_BATCHES](): AsyncIterable<readonly unknown[]>
}

const inBatches = (rows: object): rows is RowBatches => ROW_BATCHES in rows

async function pumpBatches(port: FeedPort, rows: RowBatches): Promise<void> {
  for await (const batch of rows[ROW_BATCHES]()) await port.push(batch)
}

async function pumpRows(
  port: FeedPort,
  rows: PumpOptions['rows'],
  partitionOf: PumpOptions['partition'],
): Promise<void> {
  const chunk = new Chunk(port)
  if (Symbol.asyncIterator in rows) {
    for await (const row of rows) {
      await chunk.take(row, isMark(row) ? 0 : (partitionOf?.(row) ?? 0))
      // Rows of a live source must not wait for a full chunk.
      await chunk.flush()
    }
  } else {
    for (const row of rows) {
      const wait = chunk.take(row, isMark(row) ? 0 : (partitionOf?.(row) ?? 0))
      if (wait !== undefined) await wait
    }
  }
  await chunk.flush()
}

/** Rows of one partition, gathered until a mark, another partition or the limit. */
class Chunk {
  private readonly port: FeedPort
  private rows: unknown[] = []
  private partition = 0

  constructor(port: FeedPort) {
    this.port = port
  }

  take(row: unknown, partition: number): Promise<void> | undefined {
    if (isMark(row)) return this.flush().then(() => tell(this.port, row))
    if (partition !== this.partition && this.rows.length > 0) {
      return this.flush().then(() => {
        this.partition = partition
        this.rows.push(row)
      })
    }
    this.partition = partition
    this.rows.push(row)
    return this.rows.length >= CHUNK_ROWS ? this.flush() : undefined
  }

  async flush(): Promise<void> {
    if (this.rows.length === 0) return
    const rows = this.rows
    this.rows = []
    await this.port.push(rows, { partition: this.partition })
  }
}

function tell(port: FeedPort, mark: Mark): Promise<void> {
  if (markKind(mark) === 'idle') return port.idle(mark.partition ?? 0)
  return port.watermark('watermarkMs' in mark ? mark.watermarkMs : -Infinity, mark.partition)
}
