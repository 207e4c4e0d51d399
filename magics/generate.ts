/** `%%generate TOPIC`: starts a seeded generator on a built-in topic, or re-tunes the one that runs. */
import { expressionBody, further, objectOf, optionsObject } from './code.ts'
import { defineMagic, type MagicDefinition, type SectionContext } from './define.ts'
import { notNegative, positive } from './topic.ts'
import { valueCode } from './values.ts'

export const generate: MagicDefinition = defineMagic({
  name: 'generate',
  kind: 'cell',
  summary: 'Starts a seeded generator on a built-in topic; without a body it re-tunes the generator that runs there.',
  positionals: [
    { name: 'TOPIC', type: 'topic', required: true, summary: 'A built-in topic; made when there is none.' },
  ],
  options: [
    { name: 'rate', type: 'number', summary: 'Records a second.', default: '100', example: '100', check: positive },
    {
      name: 'seed',
      type: 'integer',
      summary: 'Same seed, same records, on every machine.',
      default: '1',
      example: '1',
    },
    {
      name: 'late',
      type: 'percent',
      summary: 'Share of records held back beyond the bound of disorder.',
      example: '5%',
    },
    { name: 'disorder', type: 'duration', summary: 'How far records come out of order.', example: '3s' },
    { name: 'duplicates', type: 'percent', summary: 'Share of records sent twice.', example: '1%' },
    { name: 'stall', type: 'integer', summary: 'This partition gets nothing.', example: '1', check: notNegative },
    {
      name: 'skew',
      type: 'number',
      summary: 'How unevenly keys occur: 0 evenly, above 1 a few dominate.',
      example: '1.1',
      check: notNegative,
    },
    {
      name: 'partitions',
      type: 'integer',
      summary: 'Partitions of a new topic.',
      default: '3',
      example: '3',
      check: positive,
    },
    { name: 'time', type: 'field', summary: 'Field of the row that is its event time.', example: 'at' },
  ],
  body: {
    required: false,
    summary: 'a lambda (i, random, at) => row: number of the row, a seeded random() in 0…1, event time in ms',
  },
  examples: [
    { text: '%%generate orders --late 20%', says: 'One order in five comes too late now.' },
    {
      text: '%%generate clicks2 --rate 50 --seed 7 --time at\n(i, random, at) => ({ user: `u${Math.floor(random() * 10)}`, page: i, at })',
      says: 'A topic of one’s own.',
    },
  ],
  glossary: 'Flink: datagen connector · Kafka: kafka-connect-datagen · Beam: GenerateSequence',
  expand: (section, context: SectionContext) => {
    const topic = section.positionals[0]
    if (topic === undefined) context.fail('%%generate needs a TOPIC', section.header)
    const settings = optionsObject(section, context, {
      rate: 'rate', seed: 'seed', late: 'late', disorder: 'disorder', duplicates: 'duplicates', stall: 'stall', skew: 'skew',
      partitions: 'partitions', time: 'time',
    }) // prettier-ignore
    const body = expressionBody(section, context)
    const given = settings.length > 0 ? settings : [{ code: '{}' }]
    return {
      pieces: [
        { code: `await ${context.api('generate')}(` },
        ...valueCode(topic, 'topic', context.verbatim),
        ...further(body === undefined && settings.length === 0 ? objectOf([]) : given),
        ...further(body === undefined ? [] : context.verbatim(body.span)),
        { code: ')' },
      ],
    }
  },
})
