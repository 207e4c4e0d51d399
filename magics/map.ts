/** `%%map STREAM`: makes a new row of each row. */
import { defineMagic, type MagicDefinition, type SectionContext } from './define.ts'
import { lambdaStep } from './filter.ts'

export const map: MagicDefinition = defineMagic({
  name: 'map',
  kind: 'cell',
  summary: 'Makes a new row of each row of a stream.',
  positionals: [
    {
      name: 'STREAM',
      type: 'stream',
      required: false,
      summary: 'A stream; without it the section continues the one above.',
    },
  ],
  options: [{ name: 'as', type: 'name', summary: 'Name of the result.', example: 'priced' }],
  body: { required: true, summary: 'a lambda from a row to a new row: o => ({ ...o, net: o.amount * 0.8 })' },
  examples: [
    { text: '%%map orders --as priced\no => ({ ...o, net: o.amount * 0.8 })', says: 'Each order with one field more.' },
  ],
  glossary: 'Flink: map · Kafka Streams: KStream#mapValues · Beam: MapElements',
  step: { suffix: 'Map' },
  expand: (section, context: SectionContext) => lambdaStep('map', section, context),
})
