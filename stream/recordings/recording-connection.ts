/** Recordings as a connection: `file:DIR` has a topic for each recorded topic, `file:FILE` those of one recording. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { nearestNames } from '../connectors/nearest-names.ts'
import { packEnvelopes } from '../connectors/connector.ts'
import type { Connection, Reader, ReadOptions, TopicSummary } from '../connectors/connector.ts'
import { StreamError } from '../errors.ts'
import type { Envelope } from '../model.ts'
import type { SchemaRegistry } from '../schema-model.ts'
import { parseSpeed } from './pace.ts'
import type { RecordedReplay } from './recorded-driver.ts'
import { envelopesOf, invalid, readRecording } from './recording-file.ts'
import type { RecordingFile } from './recording-file.ts'

interface Topic {
  readonly recording: RecordingFile
  readonly source: number
}

export class RecordingConnection implements Connection {
  readonly name: string
  readonly url: string
  readonly registry: SchemaRegistry | undefined
  private readonly found = new Map<string, Topic>()
  private readonly speed: number
  private readonly loop: boolean

  /** `file:PATH`, with `?speed=10x` and `&loop` behind it. @throws StreamError RECORDING_INVALID, OPTION_INVALID */
  constructor(url: string, options: { readonly as: string; readonly registry?: SchemaRegistry | undefined }) {
    this.name = options.as
    this.registry = options.registry
    const [path = '', query = ''] = url.replace(/^file:(\/\/(?=\/))?/, '').split('?')
    const settings = new URLSearchParams(query)
    this.url = `file:${path}`
    this.speed = parseSpeed(settings.get('speed') ?? 'max')
    this.loop = settings.has('loop')
    const place = resolve(path)
    if (!existsSync(place)) throw invalid(path, 'there is no such file or folder')
    const files = statSync(place).isDirectory()
      ? readdirSync(place)
          .filter(file => file.endsWith('.rec'))
          .sort()
          .map(file => join(place, file))
      : [place]
    for (const file of files) this.add(readRecording(file))
    if (this.found.size === 0) throw invalid(path, 'it holds no recorded topic')
  }

  private add(recording: RecordingFile): void {
    recording.header.sources.forEach((source, i) => {
      if (source.op === 'topic') this.found.set(source.topic, { recording, source: i })
    })
  }

  /** What a pipeline is given instead of a reader's batches. */
  recorded(topic: string): RecordedReplay {
    const { recording, source } = this.topic(topic)
    const { events, header } = recording
    const first = header.sources.findIndex(each => each.op === 'topic')
    const params = source === first ? header.params : undefined
    return { events, source, params, speed: this.speed, loop: this.loop }
  }

  async topics(): Promise<TopicSummary[]> {
    return Promise.all([...this.found.keys()].map(name => this.describe(name)))
  }

  async describe(name: string): Promise<TopicSummary> {
    const envelopes = this.envelopes(name)
    const { recording, source } = this.topic(name)
    const count = Math.max(1, ...envelopes.map(e => e.partition + 1), partitionsOf(recording, source))
    const partitions = Array.from({ length: count }, (_, partition) => {
      const offsets = envelopes.filter(e => e.partition === partition).map(e => e.offset)
      return { partition, lowOffset: offsets[0] ?? 0n, highOffset: (offsets.at(-1) ?? -1n) + 1n }
    })
    return { name, internal: false, partitions, description: `recorded, hash ${recording.hash}` }
  }

  /** All at once, for samples; pipelines take `recorded`. */
  async read(name: string, options: ReadOptions): Promise<Reader> {
    const all = this.envelopes(name)
    const last = /^-(\d+)$/.exec(options.from)?.[1]
    const taken = last === undefined ? all : all.slice(-Number(last))
    const { partitions } = await this.describe(name)
    let read = false
    return {
      partitionCount: partitions.length,
      starts: partitions.map(({ partition, lowOffset }) => [partition, lowOffset] as const),
      next: async () => {
        if (read || taken.length === 0) return null
        read = true
        return { batch: packEnvelopes(taken), exhausted: partitions.map(p => p.partition), live: false }
      },
      lagCount: () => (read ? 0 : taken.length),
      close: async () => {},
    }
  }

  private envelopes(name: string): Envelope[] {
    const { recording, source } = this.topic(name)
    return recording.events.flatMap(event =>
      event.kind === 'source' && event.source === source && event.event.kind === 'envelopes'
        ? envelopesOf(event.event.batch)
        : [],
    )
  }

  private topic(name: string): Topic {
    const topic = this.found.get(name)
    if (topic !== undefined) return topic
    const names = [...this.found.keys()]
    throw new StreamError({
      code: 'TOPIC_UNKNOWN',
      message: `Cannot find topic "${name}": recorded are ${names.join(', ')}`,
      hint: `%topic ${nearestNames(name, names)[0] ?? names[0]}`,
    })
  }

  create(): Promise<never> {
    return Promise.reject(this.readOnly('create a topic in'))
  }

  alter(): Promise<never> {
    return Promise.reject(this.readOnly('alter a topic of'))
  }

  delete(): Promise<never> {
    return Promise.reject(this.readOnly('delete a topic of'))
  }

  produce(): Promise<never> {
    return Promise.reject(this.readOnly('produce to'))
  }

  writer(): Promise<never> {
    return Promise.reject(this.readOnly('write to'))
  }

  async segments(): Promise<never[]> {
    return []
  }

  async groups(): Promise<never[]> {
    return []
  }

  nowMs(): number {
    return Math.max(0, ...[...this.found.values()].map(({ recording }) => recording.events.at(-1)?.atMs ?? 0))
  }

  async close(): Promise<void> {}

  private readOnly(what: string): StreamError {
    return new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot ${what} "${this.url}": a recording is only read`,
      hint: '%connect embedded',
    })
  }
}

function partitionsOf({ events }: RecordingFile, source: number): number {
  let count = 1
  for (const event of events)
    if (event.kind === 'source' && event.source === source && event.event.kind === 'partitions')
      count = event.event.count
  return count
}
