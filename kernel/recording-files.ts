/** `riffle record` and `riffle replay`: a topic to a file, and from there to lines of JSON or to a topic again. */
import { setTimeout as delay } from 'node:timers/promises'
import { StreamError } from '../stream/errors.ts'
import { isOver } from '../stream/model.ts'
import { connect, LocalRuntime, record, replay, runtime, setRuntime, stopRecording, topic } from '../stream/index.ts'
import type { Stream } from '../stream/index.ts'

export interface Place {
  /** URL of the broker, `file:FOLDER` or `embedded`; default the embedded demo topics. */
  readonly connect?: string | undefined
  readonly registry?: string | undefined
}

export interface RecordCommand extends Place {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly time?: string | undefined
  /** Full after so many records. */
  readonly rows?: number | undefined
  /** Ends after so long. */
  readonly forMs?: number | undefined
}

export interface ReplayCommand extends Place {
  readonly speed?: string | undefined
  readonly loop?: boolean | undefined
  /** Written to this topic instead of told. */
  readonly topic?: string | undefined
}

/** How often it is looked whether a recording is over. */
const LOOK_MS = 50

/** Records until the topic's `to`, a bound, or the signal; gives what to tell. @throws StreamError */
export async function recordFile(
  name: string,
  file: string,
  command: RecordCommand,
  stop: AbortSignal,
): Promise<string> {
  let over = false
  return inRuntime(
    command,
    text => (over ||= / is full with |^recording of .* failed: /.test(text)),
    async () => {
      const { from = 'earliest', to, time, rows, forMs = Infinity } = command
      const stream = (await topic(name, { from, to, time, limit: rows })) as unknown as Stream<unknown>
      await stream.bindName(name)
      await record(stream, file)
      const until = performance.now() + forMs
      while (!over && !stop.aborted && performance.now() < until && (await running())) await delay(LOOK_MS)
      const state = await stopRecording(stream)
      await stream.stop()
      if (state.error !== undefined) throw StreamError.from(state.error)
      return `${state.records} records, ${state.bytes} bytes, hash ${state.hash}\n`
    },
  )
}

async function running(): Promise<boolean> {
  const [recorded] = await runtime().list()
  return recorded !== undefined && !isOver(recorded.stats.state)
}

/** A row a line to `tell`, or to a topic; gives what to tell at the end. @throws StreamError */
export async function replayFile(
  file: string,
  command: ReplayCommand,
  tell: (line: string) => void,
  stop: AbortSignal,
): Promise<string> {
  return inRuntime(
    command,
    () => {},
    async () => {
      const { speed, loop, topic: written } = command
      const rows = await replay(file, { speed, loop })
      if (written !== undefined) {
        await rows.to(written, { format: 'json' })
        return `replayed to ${written}\n`
      }
      let count = 0
      const source = rows.subscribe({})
      stop.addEventListener('abort', () => void source.close())
      for (let chunk = await source.next(); chunk !== null; chunk = await source.next()) {
        for (const row of chunk.rows) tell(`${JSON.stringify(row, plain)}\n`)
        count += chunk.rows.length
      }
      return `${count} records\n`
    },
  )
}

async function inRuntime<T>(
  { connect: url, registry }: Place,
  print: (text: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const before = runtime()
  const local = new LocalRuntime({ print, notice: text => void process.stderr.write(`${text}\n`) })
  setRuntime(local)
  try {
    if (url !== undefined) await connect(url, { registry })
    return await work()
  } finally {
    setRuntime(before)
    await local.close()
  }
}

/** JSON has no whole numbers of 64 bits: they become text. */
function plain(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
