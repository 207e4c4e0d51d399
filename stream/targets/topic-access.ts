/** What every runtime does with topics beside reading them as streams: describing with a sample, and producing rows. */
import type { Connection, OutgoingRecord, TopicSummary } from '../connectors/connector.ts'
import type { SchemaRegistry } from '../schema-model.ts'
import { SchemaAttacher, newestVersion } from '../schemas/attach-schemas.ts'
import { parseAvro } from '../schemas/avro-schema.ts'
import { avroColumns } from '../schemas/avro-types.ts'
import { avroRowEncoder } from '../schemas/avro-writing.ts'
import { decodeBatch } from '../schemas/decode.ts'
import { encodeHeaders, encodeKey } from '../schemas/encode.ts'
import { inferColumns, rowType } from '../schemas/infer.ts'
import { plainBytes } from '../sinks/plain-bytes.ts'
import type { Clock } from '../time/clock.ts'
import type { ProduceOptions, ProduceResult, TopicDescription } from './runtime.ts'

/** Newest records looked at to tell a topic's columns. */
export const SAMPLE_RECORDS = 300
const MOST_SENT_AT_ONCE = 1000

/** Summary, columns, row type and the newest records. Known columns win over inferred ones. */
export async function describeTopic(connection: Connection, topic: string): Promise<TopicDescription> {
  const summary = await connection.describe(topic)
  const sample = await newestRows(connection, topic)
  const columns = (await registeredColumns(connection, topic)) ?? summary.columns ?? inferColumns(sample)
  return { summary, columns, rowType: rowType(columns), sample }
}

/** Topics with their sizes, rates and registered schemas; what a cluster or a registry does not tell is left out. */
export async function listTopics(
  connection: Connection,
  options: { readonly internal?: boolean; readonly facts?: boolean },
): Promise<TopicSummary[]> {
  const { registry } = connection
  const schemas = options.facts === true && registry !== undefined ? schemaTexts(registry) : Promise.resolve(undefined)
  const [topics, known] = await Promise.all([connection.topics(options), schemas])
  if (known === undefined) return topics
  return topics.map(topic => ({
    ...topic,
    keySchema: known.get(`${topic.name}-key`),
    valueSchema: known.get(`${topic.name}-value`),
  }))
}

/** Subject -> `avro v3`. A registry that is away costs the list its columns, not the list. */
async function schemaTexts(registry: SchemaRegistry): Promise<Map<string, string> | undefined> {
  try {
    const subjects = (await registry.subjects()).filter(subject => /-(?:key|value)$/.test(subject))
    const texts = await Promise.all(
      subjects.map(async subject => {
        const { type, version } = await registry.version(subject, 'latest')
        return [subject, `${type.toLowerCase()} v${version}`] as const
      }),
    )
    return new Map(texts)
  } catch {
    return undefined
  }
}

/** What the newest version of `TOPIC-value` says; undefined when there is none, or it is no Avro. */
async function registeredColumns(connection: Connection, topic: string) {
  const { registry } = connection
  if (registry === undefined) return undefined
  const version = await newestVersion(registry, `${topic}-value`)
  return version?.type === 'AVRO' ? avroColumns(parseAvro(version.text, version.references)) : undefined
}

async function newestRows(connection: Connection, topic: string): Promise<unknown[]> {
  const reader = await connection.read(topic, { from: `-${SAMPLE_RECORDS}`, to: 'latest' })
  const { registry } = connection
  const schemas = registry === undefined ? undefined : new SchemaAttacher(registry, topic)
  const rows: unknown[] = []
  try {
    for (let result = await reader.next(); result !== null; result = await reader.next()) {
      const decoded = decodeBatch(schemas === undefined ? result.batch : await schemas.attach(result.batch))
      const failed = new Set(decoded.failures.map(f => f.index))
      decoded.rows.forEach((row, i) => failed.has(i) || rows.push(row))
    }
  } finally {
    await reader.close()
  }
  return rows
}

/** Sends rows in order, as JSON unless `format` says otherwise; `ratePerSecond` spreads them over time. The key is the value of a field. */
export async function produceRows(
  connection: Connection,
  topic: string,
  rows: readonly unknown[],
  options: ProduceOptions,
  clock: Clock,
): Promise<ProduceResult> {
  const headers = encodeHeaders(options.headers)
  const avro = options.format === 'avro' ? await avroRowEncoder(connection.registry, topic, rows) : undefined
  const records = rows.map((row, i): OutgoingRecord => {
    const key =
      options.key === undefined || row === null || typeof row !== 'object' ? null : Reflect.get(row, options.key)
    return {
      key: encodeKey(key),
      value: row !== null && avro !== undefined ? avro(row, i) : plainBytes(row, options.format ?? 'json'),
      headers,
      partition: options.partition,
    }
  })
  const positions: { partition: number; offset: bigint }[] = []
  const { ratePerSecond } = options
  const size = ratePerSecond === undefined ? MOST_SENT_AT_ONCE : Math.max(1, Math.round(ratePerSecond / 20))
  for (let at = 0; at < records.length; at += size) {
    if (at > 0 && ratePerSecond !== undefined) await pause(clock, (size / ratePerSecond) * 1000)
    positions.push(...(await connection.produce(topic, records.slice(at, at + size))))
  }
  return { count: records.length, positions }
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise(resolve => clock.setTimer(ms, resolve))
}
