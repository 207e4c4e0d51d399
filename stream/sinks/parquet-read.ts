/**
 * Rows of a Parquet file, uncompressed or packed with snappy, as what most programs write. They are read in a thread of its own: a broken
 * file may turn the package round in circles for ever, and only a thread can be ended then.
 */
import { stat } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { StreamError } from '../errors.ts'
import { wallClock } from '../time/clock.ts'

/** A column of a group is read in less, and in a millisecond a kilobyte more. */
const patience = 10_000

interface Told {
  readonly rows?: Record<string, unknown>[]
  readonly done?: boolean
  readonly failure?: string
}

/** One column of one group at a time, each told when it is read. */
const reading = `
const { parentPort, workerData } = require('node:worker_threads')
const read = async () => {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } = await import(workerData.package)
  const file = await asyncBufferFromFile(workerData.path)
  const metadata = await parquetMetadataAsync(file)
  const columns = parquetSchema(metadata).children.map(({ element }) => element.name)
  let rowStart = 0
  for (const { num_rows } of metadata.row_groups) {
    const rowEnd = rowStart + Number(num_rows)
    let rows
    for (const column of columns) {
      const part = await parquetReadObjects({ file, metadata, columns: [column], rowStart, rowEnd })
      if (rows === undefined) rows = part
      else part.forEach((row, i) => Object.assign((rows[i] ??= {}), row))
      parentPort.postMessage({})
    }
    parentPort.postMessage({ rows: rows ?? [] })
    rowStart = rowEnd
  }
}
const told = error => String(error instanceof Error ? error.message : error)
read().then(() => parentPort.postMessage({ done: true }), error => parentPort.postMessage({ failure: told(error) }))
`

/** Throws OPTION_INVALID when there is none, VALUE_UNDECODABLE when it is no Parquet. */
export async function readParquetFile(path: string, patienceMs = patience): Promise<Record<string, unknown>[]> {
  let size: number
  try {
    size = (await stat(path)).size
  } catch (cause) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot read file "${path}": there is no such file`,
      cause,
    })
  }
  const outcome = await readInThread(path, patienceMs + size / 1000)
  if (typeof outcome !== 'string') return outcome
  throw new StreamError({
    code: 'VALUE_UNDECODABLE',
    message: `Cannot read file "${path}" as Parquet: ${outcome}`,
  })
}

/** The rows, or why there are none. */
async function readInThread(path: string, patienceMs: number): Promise<Record<string, unknown>[] | string> {
  const worker = new Worker(reading, {
    eval: true,
    workerData: { path, package: import.meta.resolve('hyparquet') },
    execArgv: [],
  })
  const rows: Record<string, unknown>[] = []
  let stop = () => undefined as void
  const outcome = await new Promise<typeof rows | string>(resolve => {
    const wait = () => {
      stop()
      const timer = wallClock.setTimer(patienceMs, () => resolve('it is broken, and reading it came to no end'))
      stop = () => timer.cancel()
    }
    wait()
    worker.on('message', ({ rows: more, done, failure }: Told) => {
      wait()
      for (const row of more ?? []) rows.push(row)
      if (done === true) resolve(rows)
      if (failure !== undefined) resolve(failure)
    })
    worker.on('error', error => resolve(error instanceof Error ? error.message : String(error)))
    worker.on('exit', () => resolve('its reader ended'))
  })
  stop()
  await worker.terminate()
  return outcome
}
