/** What `.to()` is given, checked and as plain data. */
import { StreamError } from '../errors.ts'
import { RowFile } from '../files.ts'
import { splitTopicName } from '../topic-name.ts'
import type { Compression } from '../connectors/connector.ts'
import type { SinkMode, SinkTarget, TopicFormat } from './sink.ts'

export interface SinkSettings {
  /** How values are written to a topic. `avro`: by the newest version of `TOPIC-value`, made of the first rows where there is none. Default `json`. */
  readonly format?: TopicFormat | undefined
  /** Field or fields whose values are the record's key; records of one key share a partition, chosen as Java does. */
  readonly key?: string | readonly string[] | undefined
  /**
   * `append`: each row is a record. `upsert`: the topic holds the newest row of each key, what is taken back becomes a tombstone.
   * Default: `upsert` where rows may be taken back, else `append`.
   */
  readonly mode?: SinkMode | undefined
  /** Headers of every record. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** All records go to this partition. */
  readonly partition?: number | undefined
  /** How Kafka's batches are packed. Default `none`. */
  readonly compression?: Compression | undefined
  /** Of the topic, when it is made because there is none. Default 3. */
  readonly partitions?: number | undefined
  /**
   * Kafka: rows and the positions they were made from are committed together, about once a second, with the state on disk. After any
   * end, also of the broker, the sink of this name goes on from its last commit: readers of committed records see each row once.
   */
  readonly transactional?: boolean | undefined
  /** Name in `%streams` and for `%stop`. */
  readonly as?: string | undefined
}

const formats: readonly string[] = ['json', 'avro', 'text', 'bytes']
const modes: readonly string[] = ['append', 'upsert']
const ofTopics = [
  'format',
  'key',
  'mode',
  'headers',
  'partition',
  'partitions',
  'transactional',
  'compression',
] as const
const packings: readonly string[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** Throws OPTION_INVALID. */
export function targetOf(to: string | RowFile, settings: SinkSettings): SinkTarget {
  if (to instanceof RowFile) {
    const wrong = ofTopics.find(name => settings[name] !== undefined)
    if (wrong !== undefined) throw invalid(`${wrong} means nothing for a file`)
    return { kind: 'file', path: to.path, format: to.format }
  }
  if (typeof to !== 'string' || to === '') throw invalid('a topic, CONNECTION:TOPIC or file(PATH) is needed')
  const { format = 'json', key, mode, headers, partition, partitions, transactional, compression } = settings
  if (!formats.includes(format)) throw invalid(`format "${format}" is none of ${formats.join(', ')}`)
  if (mode !== undefined && !modes.includes(mode)) throw invalid(`mode "${mode}" is none of ${modes.join(', ')}`)
  if (compression !== undefined && !packings.includes(compression))
    throw invalid(`compression "${compression}" is none of ${packings.join(', ')}`)
  const keys = key === undefined ? undefined : typeof key === 'string' ? key.split(',').map(name => name.trim()) : key
  if (keys?.some(name => name === '') === true || keys?.length === 0) throw invalid('a key names one or more fields')
  return {
    kind: 'topic',
    ...splitTopicName(to),
    format,
    key: keys,
    mode,
    headers,
    partition,
    partitions,
    transactional,
    compression,
  }
}

/** `revenue` to `revenue-10s` → `revenueToRevenue10s`. */
export function defaultSinkName(stream: string | undefined, target: SinkTarget): string {
  const to = target.kind === 'topic' ? target.topic : target.path.slice(target.path.lastIndexOf('/') + 1)
  const words = to.split(/[^\p{L}\p{N}]+/u).filter(word => word !== '')
  return `${stream ?? 'rows'}To${words.map(word => word[0]!.toUpperCase() + word.slice(1)).join('')}`
}

function invalid(reason: string): StreamError {
  return new StreamError({ code: 'OPTION_INVALID', message: `Cannot write stream: ${reason}`, hint: '%sink?' })
}
