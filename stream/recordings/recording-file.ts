/**
 * A recording on disk: what the sources of one stream told, event by event, with the time each arrived, and the params changed on
 * the way. A line of JSON each, bytes as base64; the first line says what was recorded.
 *
 *   {"riffle":"recording","version":1,"stream":"hot","sources":[{"op":"topic",…}],"params":{"limit":3}}
 *   {"t":1767258000123,"s":0,"k":"envelopes","r":[[partition,"offset",timestampMs,key,value,headers], …]}
 *
 * The hash is of all lines without their arrival times: the same records give the same hash on any machine.
 */
import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { deserialize, serialize } from 'node:v8'
import { packEnvelopes } from '../connectors/connector.ts'
import { StreamError } from '../errors.ts'
import type { Envelope, EnvelopeBatch, SourceEvent } from '../model.ts'
import type { FeedNode, TopicNode } from '../plan.ts'
import { recordCount, withRows } from '../targets/slices.ts'

export type RecordedSource =
  | Pick<TopicNode, 'op' | 'connection' | 'topic' | 'options'>
  | Pick<FeedNode, 'op' | 'partitions' | 'time' | 'outOfOrderMs'>

export interface RecordingHeader {
  readonly stream: string
  readonly sources: readonly RecordedSource[]
  /** Values when the recording began. */
  readonly params: Readonly<Record<string, unknown>>
}

export type RecordedEvent =
  | { readonly kind: 'param'; readonly atMs: number; readonly name: string; readonly value: unknown }
  | { readonly kind: 'source'; readonly atMs: number; readonly source: number; readonly event: SourceEvent }

export interface RecordingFile {
  readonly header: RecordingHeader
  readonly events: readonly RecordedEvent[]
  readonly records: number
  readonly hash: string
}

type Line = Readonly<Record<string, unknown>>

export class RecordingWriter {
  private readonly handle: number
  private readonly sum: Hash = createHash('sha256')
  bytes = 0
  records = 0

  /** An old file of the name is replaced. @throws StreamError RECORDING_INVALID when it cannot be written */
  constructor(path: string, header: RecordingHeader) {
    try {
      this.handle = openSync(path, 'w')
    } catch (cause) {
      throw invalid(path, `it cannot be written (${(cause as Error).message})`)
    }
    this.write({ riffle: 'recording', version: 1, ...header }, undefined)
  }

  source(source: number, event: SourceEvent, atMs: number): void {
    this.write({ s: source, ...bodyOf(event.kind === 'rows' ? withRows(event) : event) }, atMs)
    this.records += recordCount(event)
  }

  param(name: string, value: unknown, atMs: number): void {
    this.write({ k: 'param', name, value }, atMs)
  }

  get hash(): string {
    return this.sum.copy().digest('hex').slice(0, 12)
  }

  close(): void {
    closeSync(this.handle)
  }

  private write(line: Line, atMs: number | undefined): void {
    this.sum.update(`${JSON.stringify(line)}\n`)
    const text = `${JSON.stringify(atMs === undefined ? line : { t: atMs, ...line })}\n`
    this.bytes += writeSync(this.handle, text)
  }
}

/** @throws StreamError RECORDING_INVALID with the line; a last line that was cut off is left out */
export function readRecording(path: string): RecordingFile {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw invalid(path, `it cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`)
  }
  const lines = text.split('\n')
  const header = parsed(lines[0] ?? '')
  if (header?.['riffle'] !== 'recording' || header['version'] !== 1) throw invalid(path, 'it is no recording of Riffle')
  const sum = createHash('sha256').update(`${lines[0]}\n`)
  const events: RecordedEvent[] = []
  let records = 0
  for (let i = 1; i < lines.length; i++) {
    const line = parsed(lines[i]!)
    // A kernel that was killed may have left half a line; one in the middle is a broken file.
    if (line === undefined && i >= lines.length - 1) break
    if (line === undefined) throw invalid(path, `line ${i + 1} is broken`)
    const { t, ...rest } = line
    sum.update(`${JSON.stringify(rest)}\n`)
    const event = eventOr(rest, t as number, () => invalid(path, `line ${i + 1} is broken`))
    if (event.kind === 'source') records += recordCount(event.event)
    events.push(event)
  }
  const { stream, sources, params } = header as unknown as RecordingHeader
  return { header: { stream, sources, params }, events, records, hash: sum.digest('hex').slice(0, 12) }
}

function parsed(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Line) : undefined
  } catch {
    return undefined
  }
}

function bodyOf(event: SourceEvent): Line {
  switch (event.kind) {
    case 'envelopes':
      return { k: 'envelopes', p: event.processingTimeMs, r: envelopesOf(event.batch).map(written) }
    case 'rows': {
      const { rows, partitions, keys, processingTimeMs, eventTimesMs } = event
      return { k: 'rows', v: serialize({ rows, partitions, keys, processingTimeMs, eventTimesMs }).toString('base64') }
    }
    case 'watermark':
      return { k: 'watermark', w: event.watermarkMs, p: event.partition }
    case 'idle':
      return { k: 'idle', p: event.partition }
    case 'partitions':
      return { k: 'partitions', n: event.count, r: event.resumed === true ? true : undefined }
    case 'end':
      return { k: 'end' }
  }
}

/** Whatever stands in the line, it is an event or the error. */
function eventOr(line: Line, atMs: number, broken: () => StreamError): RecordedEvent {
  try {
    return eventOf(line, atMs)
  } catch {
    throw broken()
  }
}

function eventOf(line: Line, atMs: number): RecordedEvent {
  if (line['k'] === 'param') return { kind: 'param', atMs, name: String(line['name']), value: line['value'] }
  return { kind: 'source', atMs, source: line['s'] as number, event: sourceEventOf(line) }
}

function sourceEventOf(line: Line): SourceEvent {
  switch (line['k']) {
    case 'envelopes': {
      const batch = packEnvelopes((line['r'] as WrittenEnvelope[]).map(read))
      return { kind: 'envelopes', batch, processingTimeMs: line['p'] as number | undefined }
    }
    case 'rows':
      return { kind: 'rows', ...(deserialize(Buffer.from(String(line['v']), 'base64')) as { rows: unknown[] }) }
    case 'watermark':
      return { kind: 'watermark', watermarkMs: line['w'] as number, partition: line['p'] as number | undefined }
    case 'idle':
      return { kind: 'idle', partition: line['p'] as number }
    case 'partitions':
      return { kind: 'partitions', count: line['n'] as number, resumed: line['r'] === true }
    default:
      return { kind: 'end' }
  }
}

type WrittenEnvelope = readonly [number, string, number, string | null, string | null, Record<string, string>?]

const base64 = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString('base64'))
const unbase64 = (text: string | null) => (text === null ? null : new Uint8Array(Buffer.from(text, 'base64')))

function written({ partition, offset, timestampMs, key, value, headers }: Envelope): WrittenEnvelope {
  const head = [partition, String(offset), timestampMs, base64(key), base64(value)] as const
  if (headers === undefined) return head
  return [...head, Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, base64(bytes) as string]))]
}

function read([partition, offset, timestampMs, key, value, headers]: WrittenEnvelope): Envelope {
  const bare = { partition, offset: BigInt(offset), timestampMs, key: unbase64(key), value: unbase64(value) }
  if (headers === undefined) return bare
  return { ...bare, headers: Object.fromEntries(Object.entries(headers).map(([n, text]) => [n, unbase64(text)!])) }
}

/** One by one. */
export function envelopesOf(batch: EnvelopeBatch): Envelope[] {
  const part = (ranges: Int32Array, i: number) => {
    const length = ranges[2 * i + 1]!
    return length < 0 ? null : batch.bytes.subarray(ranges[2 * i]!, ranges[2 * i]! + length)
  }
  return Array.from({ length: batch.count }, (_, i) => ({
    partition: batch.partitions[i]!,
    offset: batch.offsets[i]!,
    timestampMs: batch.timestampsMs[i]!,
    key: part(batch.keyRanges, i),
    value: part(batch.valueRanges, i),
    headers: batch.headers?.[i],
  }))
}

export function invalid(path: string, why: string): StreamError {
  return new StreamError({
    code: 'RECORDING_INVALID',
    message: `Cannot use recording "${path}": ${why}`,
    hint: '%record STREAM FILE writes one',
  })
}
