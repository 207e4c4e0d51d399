/** Writes what a running stream is told to a file, up to a bound. Recording must never hold up or end the stream. */
import { StreamError } from '../errors.ts'
import type { StreamErrorParts } from '../errors.ts'
import type { SourceEvent } from '../model.ts'
import type { FeedNode, TopicNode } from '../plan.ts'
import type { Clock } from '../time/clock.ts'
import { RecordingWriter } from './recording-file.ts'
import type { RecordedSource } from './recording-file.ts'

export interface RecordSpec {
  /** Absolute. */
  readonly file: string
  readonly mostRecords: number
  readonly mostBytes: number
  readonly cellId?: string | undefined
}

export interface RecordingState {
  readonly file: string
  readonly records: number
  readonly bytes: number
  readonly hash: string
  /** `full`: a bound was reached; the stream went on. */
  readonly state: 'recording' | 'full' | 'closed' | 'failed'
  readonly error?: StreamErrorParts | undefined
}

export interface RecorderAround {
  readonly stream: string
  readonly clock: Clock
  sources(): readonly (TopicNode | FeedNode)[]
  params(): Readonly<Record<string, unknown>>
  tell(text: string): void
}

export class Recorder {
  private readonly spec: RecordSpec
  private readonly around: RecorderAround
  private writer: RecordingWriter | undefined
  private ended: RecordingState['state'] = 'recording'
  private error: StreamErrorParts | undefined

  constructor(spec: RecordSpec, around: RecorderAround) {
    this.spec = spec
    this.around = around
  }

  source(source: number, event: SourceEvent): void {
    this.attempt(writer => writer.source(source, event, this.around.clock.nowMs()))
  }

  param(name: string, value: unknown): void {
    // Before the first event its value stands in the header.
    if (this.writer !== undefined) this.attempt(writer => writer.param(name, value, this.around.clock.nowMs()))
  }

  private attempt(f: (writer: RecordingWriter) => void): void {
    if (this.ended !== 'recording') return
    try {
      f((this.writer ??= this.open()))
    } catch (error) {
      this.error = { code: 'RECORDING_INVALID', message: (error as Error).message }
      this.finish('failed')
      this.around.tell(`recording of ${this.around.stream} failed: ${(error as Error).message}`)
      return
    }
    const { records, bytes } = this.writer
    if (records < this.spec.mostRecords && bytes < this.spec.mostBytes) return
    this.finish('full')
    this.around.tell(`${this.spec.file} is full with ${records} records, hash ${this.writer.hash}`)
  }

  private open(): RecordingWriter {
    const { stream } = this.around
    const params = this.around.params()
    return new RecordingWriter(this.spec.file, { stream, sources: this.around.sources().map(recorded), params })
  }

  private finish(state: RecordingState['state']): void {
    if (this.ended !== 'recording') return
    this.ended = state
    this.writer?.close()
  }

  /** Idempotent. */
  close(): RecordingState {
    if (this.ended === 'recording') this.writer ??= this.open()
    this.finish('closed')
    return this.state
  }

  get state(): RecordingState {
    const { records = 0, bytes = 0, hash = '' } = this.writer ?? {}
    return { file: this.spec.file, records, bytes, hash, state: this.ended, error: this.error }
  }
}

export function notRecorded(name: string): StreamError {
  return new StreamError({
    code: 'STREAM_UNKNOWN',
    message: `Cannot end the recording of "${name}": it is not recorded`,
    hint: `%record ${name} ${name}.rec`,
  })
}

/** A lambda that reads the time cannot be written down: rows then carry the time they were given. */
function recorded(node: TopicNode | FeedNode): RecordedSource {
  if (node.op === 'topic') return { op: 'topic', connection: node.connection, topic: node.topic, options: node.options }
  const time = typeof node.time === 'string' ? node.time : undefined
  return { op: 'feed', partitions: node.partitions, time, outOfOrderMs: node.outOfOrderMs }
}
