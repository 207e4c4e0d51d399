/** What `%streams`, `%topics` and `%topics describe` show. */
import type { TopicSummary } from '../../stream/connectors/connector.ts'
import type { StreamSummary, TopicDescription } from '../../stream/targets/runtime.ts'
import type { Json } from './message.ts'
import { formatDuration } from '../../stream/time/duration.ts'
import { tableBundle } from './tables.ts'
import type { TableCell } from './tables.ts'

/** `now`: captured variables as they are at this moment. */
export function streamsBundle(streams: readonly StreamSummary[], now: Json): Json {
  const rows = streams.map(({ name, outline, stats, captures }) => [
    name,
    stateText(stats),
    rate(stats.recordsPerSecond),
    count(stats.recordCount),
    count(stats.rowCount),
    stats.lagCount === null ? '–' : count(stats.lagCount),
    instant(stats.watermarkMs),
    `${count(stats.lateCount)} / ${count(stats.droppedCount)}`,
    count(stats.errorCount),
    size(stats.stateBytes),
    [outline, ...captures.map(one => usesText(one, now[one.name]))].join(' · '),
  ])
  const columns = [
    'stream',
    'state',
    'records/s',
    'records',
    'rows',
    'lag',
    'watermark',
    'late / dropped',
    'errors',
    'state size',
    'what it does',
  ]
  return tableBundle({
    columns,
    rows,
    prose: ['what it does'],
    empty: 'No stream is running. %topics lists topics, %topic NAME binds one.',
  })
}

function stateText({ state, error, notice }: StreamSummary['stats']): string {
  if (error !== undefined) return `${state}: ${error.message}`
  return notice === undefined ? state : `${state}: ${notice}`
}

function usesText(captured: StreamSummary['captures'][number], now: unknown): string {
  const uses = `uses ${captured.name} = ${captured.value}`
  const same = captured.local === true || typeof now !== 'string' || now === captured.value
  return same ? uses : `${uses}, now ${now}: run the cell again`
}

/** Which stream reads which, one line per reader. */
export function graphText(streams: readonly StreamSummary[]): string {
  if (streams.length === 0) return 'No stream is running.'
  return streams
    .map(({ name, outline, consumers }) => `${name}   (${outline})${consumers.map(one => `\n  └▶ ${one}`).join('')}`)
    .join('\n')
}

export interface TopicsOf {
  readonly connection: string
  readonly topics: readonly TopicSummary[]
}

export function topicsBundle(lists: readonly TopicsOf[]): Json {
  const several = lists.length > 1
  const rows = lists.flatMap(({ connection, topics }) =>
    topics.map(topic => [
      several ? `${connection}:${topic.name}` : topic.name,
      String(topic.partitions.length),
      count(recordsOf(topic)),
      topic.recordsPerSecond === undefined ? '–' : rate(topic.recordsPerSecond),
      topic.sizeBytes === undefined ? '–' : size(topic.sizeBytes),
      retentionText(topic),
      schemaText(topic),
      topic.timeField ?? '–',
      topic.description ?? (topic.columns ?? []).map(column => column.name).join(', '),
    ]),
  )
  const columns = [
    'topic',
    'partitions',
    'records',
    'records/s',
    'size',
    'kept',
    'key · value',
    'time field',
    'what it holds',
  ]
  return tableBundle({
    columns,
    rows,
    prose: ['what it holds'],
    empty: 'No topic found. %topics create NAME --partitions 3 makes one.',
  })
}

/** How long, or how much: `7 d`, `64 MB`, `for ever`, `newest of each key`. */
function retentionText({ retentionMs, retentionBytes, compacted }: TopicSummary): string {
  if (compacted === true) return 'newest of each key'
  const bounds = [
    ...(retentionMs === undefined || retentionMs === Infinity ? [] : [formatDuration(retentionMs)]),
    ...(retentionBytes === undefined || retentionBytes === Infinity ? [] : [size(retentionBytes)]),
  ]
  if (bounds.length > 0) return bounds.join(', ')
  return retentionMs === Infinity || retentionBytes === Infinity ? 'for ever' : '–'
}

function schemaText({ keySchema, valueSchema }: TopicSummary): string {
  return keySchema === undefined && valueSchema === undefined ? '–' : `${keySchema ?? '–'} · ${valueSchema ?? '–'}`
}

export function topicBundle({ summary, columns, sample }: TopicDescription): Json {
  const fields = tableBundle({
    columns: ['field', 'type', 'meaning'],
    rows: columns.map(column => [
      column.name,
      `${column.type}${column.optional === true ? ' (optional)' : ''}`,
      column.doc ?? '',
    ]),
    empty: 'No record has been read yet, so no field is known.',
  })
  const partitions = tableBundle({
    columns: ['partition', 'first offset', 'next offset'],
    rows: summary.partitions.map(one => [String(one.partition), String(one.lowOffset), String(one.highOffset)]),
    empty: 'The topic has no partition.',
  })
  const newest = sample.slice(-5).map(row => jsonLine(row))
  const head = `${summary.name}: ${summary.partitions.length} partitions, ${count(recordsOf(summary))} records`
  const text = [
    head,
    fields['text/plain'],
    partitions['text/plain'],
    ...(newest.length > 0 ? [`newest records:\n${newest.join('\n')}`] : []),
  ].join('\n\n')
  return { 'text/plain': text }
}

export function topicJson(lists: readonly TopicsOf[]): unknown {
  return lists.flatMap(({ connection, topics }) =>
    topics.map(topic => ({
      connection,
      name: topic.name,
      partitions: topic.partitions.map(one => ({
        partition: one.partition,
        lowOffset: Number(one.lowOffset),
        highOffset: Number(one.highOffset),
      })),
      sizeBytes: topic.sizeBytes ?? null,
      retentionMs: finite(topic.retentionMs),
      retentionBytes: finite(topic.retentionBytes),
      keySchema: topic.keySchema ?? null,
      valueSchema: topic.valueSchema ?? null,
      recordsPerSecond: topic.recordsPerSecond ?? null,
    })),
  )
}

/** null: without a bound, or not known. */
function finite(bound: number | undefined): number | null {
  return bound === undefined || bound === Infinity ? null : bound
}

function recordsOf(topic: TopicSummary): number {
  return topic.partitions.reduce((sum, one) => sum + Number(one.highOffset - one.lowOffset), 0)
}

function jsonLine(row: unknown): string {
  return JSON.stringify(row, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)) ?? String(row)
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

function rate(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 1 : 0 })
}

function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let at = 0
  let value = bytes
  for (; value >= 1000 && at < units.length - 1; at += 1) value /= 1000
  return `${value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 1 : 0 })} ${units[at]}`
}

/** The time of day; the day stands in the tooltip. */
function instant(ms: number | null): TableCell {
  if (ms === null || !Number.isFinite(ms)) return '–'
  const title = new Date(ms).toISOString()
  return { text: title.slice(11, -1).replace('.000', ''), title }
}
