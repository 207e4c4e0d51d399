/** `%sink STREAM --topic T | --file F`: writes a stream. */
import { further, objectOf, optionCode } from './code.ts'
import { defineMagic, type MagicDefinition, type Piece, type SectionContext } from './define.ts'
import { headersCode, wrongHeaders } from './produce.ts'
import { notNegative, positive } from './topic.ts'
import { valueCode } from './values.ts'

const OF_TOPICS = [
  'format',
  'key',
  'mode',
  'partition',
  'partitions',
  'headers',
  'compression',
  'transactional',
] as const

export const sink: MagicDefinition = defineMagic({
  name: 'sink',
  kind: 'line',
  summary: 'Writes a stream to a topic or a file, from now on until it is stopped; one that ends is waited for.',
  positionals: [
    {
      name: 'STREAM',
      type: 'stream',
      required: false,
      summary: 'A stream; without it the stream of the section above.',
    },
  ],
  options: [
    {
      name: 'topic',
      type: 'topic',
      summary: 'The topic, or CONNECTION:TOPIC; it is made when there is none.',
      example: 'revenue-10s',
    },
    {
      name: 'file',
      type: 'path',
      summary: 'The file, written anew; its ending says how: .jsonl, .csv, .avro or .parquet.',
      example: 'revenue.csv',
      check: wrongFile,
    },
    {
      name: 'format',
      type: 'choice',
      choices: ['json', 'avro', 'text', 'bytes'],
      summary: 'How values are written; avro registers a schema of the rows as TOPIC-value where there is none.',
      default: 'json',
    },
    {
      name: 'key',
      type: 'fields',
      ofInput: true,
      summary: 'Fields whose values are the key: one key, one partition.',
      example: 'region',
    },
    {
      name: 'mode',
      type: 'choice',
      choices: ['append', 'upsert'],
      summary:
        'Append: a record for each row. Upsert: the newest row of each key, a tombstone for a row taken back; the default where rows may be taken back.',
    },
    {
      name: 'headers',
      type: 'text',
      summary: 'Headers of every record.',
      example: 'source=lab,run=7',
      check: wrongHeaders,
    },
    {
      name: 'partition',
      type: 'integer',
      summary: 'All records go to this partition.',
      example: '0',
      check: notNegative,
    },
    {
      name: 'partitions',
      type: 'integer',
      summary: 'Of a topic that is made.',
      default: '3',
      example: '6',
      check: positive,
    },
    {
      name: 'transactional',
      type: 'flag',
      summary:
        'Kafka: rows and the positions they were made from are committed together; after any end it goes on from the last commit.',
    },
    {
      name: 'compression',
      type: 'choice',
      choices: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
      summary: "How Kafka's batches are packed.",
      default: 'none',
    },
    { name: 'as', type: 'name', summary: 'Name of the sink, for %streams and %stop.', example: 'out' },
  ],
  examples: [
    { text: '%sink revenue --topic revenue-10s --key region', says: 'Each window becomes a JSON record.' },
    {
      text: '%sink revenue --topic prod:revenue-10s --format avro --key region',
      says: 'Avro on another cluster, the schema registered.',
    },
    {
      text: '%sink revenue --topic prod:revenue-10s --key region --transactional',
      says: 'Each row exactly once for readers of committed records, whatever is killed on the way.',
    },
    { text: '%sink revenue --file revenue.csv', says: 'The rows as a file.' },
  ],
  glossary:
    'Flink: INSERT INTO, KafkaSink, upsert-kafka · Kafka Streams: KStream#to · Beam: KafkaIO.write, TextIO.write',
  expand: (section, context: SectionContext) => {
    const source = context.source(section)
    const topic = section.options.get('topic')?.[0]
    const file = section.options.get('file')?.[0]
    if (topic !== undefined && file !== undefined)
      context.fail('%sink has --topic and --file, one of them is meant', file)
    const to = topic ?? file
    if (to === undefined) context.fail('%sink needs --topic or --file', section.header, '--topic NAME')
    const wrong = file === undefined ? undefined : OF_TOPICS.find(name => section.options.has(name))
    if (wrong !== undefined) {
      const value = section.options.get(wrong)![0]!
      context.fail(`--${wrong} means nothing for a file`, value)
    }
    const entries: Piece[][] = []
    for (const option of ['format', 'key', 'mode', 'partition', 'partitions', 'compression', 'transactional']) {
      const value = section.options.get(option)?.[0]
      if (value !== undefined) entries.push([{ code: `${option}: ` }, ...optionCode(section, context, option, value)])
    }
    const headers = section.options.get('headers')?.[0]
    if (headers !== undefined) entries.push([{ code: 'headers: ' }, ...headersCode(headers, context)])
    const as = section.options.get('as')?.[0]
    const name = as?.value ?? context.defaultName(`${source.name}Sink`)
    entries.push([{ code: `as: '${name}'`, from: as?.inner ?? section.header }])
    const target: Piece[] =
      file === undefined
        ? valueCode(to, 'topic', context.verbatim)
        : [{ code: `${context.api('file')}(` }, ...valueCode(file, 'path', context.verbatim), { code: ')' }]
    return {
      pieces: [
        { code: 'await ' },
        ...source.pieces,
        { code: '.to(' },
        ...target,
        ...further(objectOf(entries)),
        { code: ')' },
      ],
    }
  },
})

function wrongFile(path: string): string | undefined {
  return /\.(?:jsonl|ndjson|csv|avro|parquet)$/i.test(path)
    ? undefined
    : 'its name ends in .jsonl, .csv, .avro or .parquet'
}
