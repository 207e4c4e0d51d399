/** `%topic NAME`: binds a topic to a typed stream and shows a live peek. */
import { further, optionsObject } from './code.ts'
import { defineMagic, type MagicDefinition, type SectionContext } from './define.ts'
import { variableName } from './names.ts'
import { valueCode, wrongPlace } from './values.ts'

export const topic: MagicDefinition = defineMagic({
  name: 'topic',
  kind: 'line',
  summary: 'Binds a topic to a typed stream and shows its newest records as they come.',
  positionals: [
    {
      name: 'NAME',
      type: 'topic',
      required: true,
      summary: 'A topic, or CONNECTION:TOPIC. A topic called create, describe, delete, log or alter stands behind --.',
    },
  ],
  options: [
    {
      name: 'from',
      type: 'text',
      summary: 'Where reading starts.',
      default: '-10000',
      example: 'earliest|latest|-10000|10m|2026-01-31T00:00Z|offset=0:120',
      check: wrongPlace,
    },
    {
      name: 'to',
      type: 'text',
      summary: 'Where reading ends; without it the topic is followed.',
      example: 'latest|2026-01-31T00:00Z|offset=0:120',
      check: wrongPlace,
    },
    { name: 'partition', type: 'integer', summary: 'Only this partition.', example: '0', check: notNegative },
    {
      name: 'time',
      type: 'field',
      summary:
        "Field that holds the event time, or processing-time: when it is read. Without it the record's timestamp.",
      example: 'orderedAt',
    },
    {
      name: 'out-of-order',
      type: 'duration',
      summary: 'How far the watermark trails the newest event time.',
      default: '5s',
      example: '5s',
    },
    {
      name: 'idle',
      type: 'duration',
      summary: 'A partition silent for so long no longer holds the watermark back.',
      default: '5s',
      example: '5s',
    },
    { name: 'key', type: 'field', summary: "Field used as key instead of the record's.", example: 'orderId' },
    {
      name: 'format',
      type: 'choice',
      choices: ['auto', 'avro', 'json', 'text', 'bytes'],
      summary: 'How values are decoded; auto is what a registered schema says, else JSON.',
      default: 'auto',
    },
    {
      name: 'schema',
      type: 'path',
      summary: 'File with the Avro schema of the values; the registry is not asked about them.',
      example: 'order.avsc',
    },
    { name: 'limit', type: 'integer', summary: 'Stops after so many records.', example: '1000', check: positive },
    { name: 'as', type: 'name', summary: 'Name of the variable and the stream.', example: 'orders' },
  ],
  examples: [
    { text: '%topic orders', says: 'The last 10,000 orders, then what comes, as the variable orders.' },
    {
      text: '%topic orders --from earliest --time orderedAt --out-of-order 5s',
      says: 'All orders, by the time they were made.',
    },
    {
      text: '%topic shipments --schema shipment.avsc --from earliest',
      says: 'Avro whose schema is in no registry, with or without a frame.',
    },
    {
      text: '%topic prod:orders --from 10m --as live',
      says: 'The last ten minutes of a topic of the connection prod.',
    },
  ],
  glossary:
    'Flink: source with a watermark strategy · Kafka Streams: StreamsBuilder#stream · Beam: Read with timestamps',
  expand: (section, context: SectionContext) => {
    const typed = section.positionals[0]
    if (typed === undefined) context.fail('%topic needs a NAME', section.header)
    if (!typed.literal && !typed.expression && /^(?:create|delete|describe|log|alter)$/.test(typed.value)) {
      context.fail(`%topic ${typed.value} is an action, not a topic`, typed, `%topic -- ${typed.value}`)
    }
    const as = section.options.get('as')?.[0]
    if (as === undefined && typed.expression)
      context.fail('A topic given by an expression needs a name', typed, '--as orders')
    const name = as?.value ?? variableName(typed.value)
    const settings = optionsObject(section, context, {
      from: 'from', to: 'to', partition: 'partition', time: 'time', 'out-of-order': 'outOfOrder', idle: 'idle', key: 'key',
      format: 'format', schema: 'schema', limit: 'limit',
    }) // prettier-ignore
    const notice = as === undefined && name !== typed.value ? [`${typed.value} is bound to ${name}`] : []
    return {
      pieces: [
        { code: 'const ' },
        { code: name, from: (as ?? typed).inner },
        { code: ` = await ${context.api('topic')}(` },
        ...valueCode(typed, 'topic', context.verbatim),
        ...further(settings),
        { code: ')' },
      ],
      makes: name,
      notices: notice,
    }
  },
})

export function notNegative(text: string): string | undefined {
  return Number(text) >= 0 ? undefined : 'it is 0 or more'
}

export function positive(text: string): string | undefined {
  return Number(text) > 0 ? undefined : 'it is more than 0'
}
