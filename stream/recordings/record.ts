/** `record(…)` and `replay(…)`: what a stream was told, on disk, and again from there. */
import { resolve } from 'node:path'
import { pumpOf } from '../feeds.ts'
import type { FeedNode } from '../plan.ts'
import { Stream } from '../stream.ts'
import type { FeedPort } from '../targets/runtime.ts'
import { runtime } from '../targets/runtime-registry.ts'
import { wallClock } from '../time/clock.ts'
import { told } from '../told.ts'
import { StreamError } from '../errors.ts'
import { Pace, parseSpeed } from './pace.ts'
import type { RecordingState } from './recorder.ts'
import { invalid, readRecording } from './recording-file.ts'
import type { RecordingFile } from './recording-file.ts'

export interface RecordOptions {
  /** The recording is full after so many records. Default 1,000,000. */
  readonly rows?: number | undefined
  /** Or after so many bytes. Default 256 MB. */
  readonly bytes?: number | undefined
}

export interface ReplayOptions {
  /** `1x` (default), `10x`, `0.5x`: by the time between arrivals; `max`: at once. */
  readonly speed?: string | undefined
  /** Begins again at the end, for ever. */
  readonly loop?: boolean | undefined
}

/** A recording under way. */
export class Recording {
  readonly file: string
  private readonly stream: string

  /** @internal Made by `record`. */
  constructor(stream: string, file: string) {
    this.stream = stream
    this.file = file
  }

  /** Ends it; the stream goes on. Idempotent. */
  async stop(): Promise<RecordingState> {
    return runtime().stopRecording(this.stream)
  }
}

/**
 * Records what the sources of a stream tell it, from its `--from` on, with arrival times and params, until `stop` or a bound. The stream
 * begins anew, so that a replay of the file gives what it gives.
 *
 * @throws StreamError OPTION_INVALID, STREAM_UNKNOWN
 */
export async function record(stream: Stream<unknown>, file: string, options: RecordOptions = {}): Promise<Recording> {
  const { rows = 1_000_000, bytes = 256 * 2 ** 20 } = options
  for (const [what, value] of Object.entries({ rows, bytes }))
    if (!Number.isInteger(value) || value < 1)
      throw new StreamError({
        code: 'OPTION_INVALID',
        message: `Cannot record with ${what} ${value}: a whole number from 1 is needed`,
      })
  const name = await stream.listedName()
  const path = resolve(file)
  await runtime().record(name, { file: path, mostRecords: rows, mostBytes: bytes })
  return told(new Recording(name, path), `recording ${name} to ${file}`)
}

/** Ends the recording of a stream. @throws StreamError STREAM_UNKNOWN when there is none */
export async function stopRecording(stream: Stream<unknown> | string): Promise<RecordingState> {
  const state = await runtime().stopRecording(typeof stream === 'string' ? stream : await stream.listedName())
  return told(state, `recorded ${state.records} records, ${state.bytes} bytes, hash ${state.hash}`)
}

/**
 * The recorded source as a stream, its records in the order and with the cuts they had: streams made of it give what the live ones
 * gave, changes of params included.
 *
 * @throws StreamError RECORDING_INVALID, OPTION_INVALID
 * @example
 * ```ts
 * const sensors = await replay('sensors.rec', { speed: '10x' })
 * ```
 */
export async function replay<T = Record<string, unknown>>(
  file: string,
  options: ReplayOptions = {},
): Promise<Stream<T>> {
  const { speed = '1x', loop = false } = options
  const factor = parseSpeed(speed)
  const recording = readRecording(resolve(file))
  const [source] = recording.header.sources
  if (source === undefined) throw invalid(file, 'it holds no source')
  const text = `replaying ${file}: ${recording.records} records of ${recording.header.stream}, hash ${recording.hash}`
  if (source.op === 'topic') {
    const connection = `rec-${recording.hash}-${speed}${loop ? '-loop' : ''}`
    const query = `speed=${speed}${loop ? '&loop' : ''}`
    await runtime().connect(`file:${resolve(file)}?${query}`, { as: connection })
    const plan = {
      op: 'topic',
      connection,
      topic: source.topic,
      options: { ...source.options, from: 'earliest' },
    } as const
    console.log(text)
    return new Stream<T>({ plan, pumps: [], endless: () => loop })
  }
  const id = `replay-${crypto.randomUUID()}`
  const plan: FeedNode = { ...source, id, bounded: !loop }
  const pump = pumpOf(id, port => pushAll(port, recording, factor, loop))
  console.log(text)
  return new Stream<T>({ plan, pumps: [pump], endless: () => loop })
}

/** Pushes of the first source, as they were pushed; its end is told by who made the pump. */
async function pushAll(port: FeedPort, recording: RecordingFile, speed: number, loop: boolean): Promise<void> {
  const pace = new Pace(wallClock, speed)
  do {
    pace.restart()
    for (const [name, value] of Object.entries(recording.header.params)) await setIfKnown(name, value)
    for (const event of recording.events) {
      await pace.due(event.atMs)
      if (event.kind === 'param') await setIfKnown(event.name, event.value)
      else if (event.source !== 0) continue
      else if (event.event.kind === 'watermark') await port.watermark(event.event.watermarkMs, event.event.partition)
      else if (event.event.kind === 'idle') await port.idle(event.event.partition)
      else if (event.event.kind === 'rows') {
        const { rows, partitions, keys, eventTimesMs } = event.event
        // One push has one partition and one key, as it had when it was recorded.
        await port.push(rows, { partition: partitions?.[0], key: keys?.[0], eventTimesMs })
      }
    }
  } while (loop)
}

/** A param that this program has not: nothing of it reads it. */
async function setIfKnown(name: string, value: unknown): Promise<void> {
  if (runtime().paramValue(name) !== undefined) await runtime().setParam(name, value)
}
