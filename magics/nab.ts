/** `%nab STREAM`: how good scores are, measured against labels by the rules of the Numenta Anomaly Benchmark. */
import { nabProfiles } from '../stream/scoring/nab.ts'
import { further, optionsObject } from './code.ts'
import { defineMagic, type MagicDefinition, type SectionContext } from './define.ts'

export const nab: MagicDefinition = defineMagic({
  name: 'nab',
  kind: 'line',
  summary:
    'Scores a scored and labelled stream by the rules of the Numenta Anomaly Benchmark: 0 is no alert at all, 100 the best.',
  positionals: [{ name: 'STREAM', type: 'stream', required: true, summary: 'A stream made by %%score with --labels.' }],
  options: [
    {
      name: 'profile',
      type: 'choice',
      choices: Object.keys(nabProfiles),
      summary: 'What costs more: false alerts (low-fp) or missed windows (low-fn).',
      default: 'standard',
    },
    { name: 'by', type: 'field', summary: 'Field that tells series apart.', example: 'machineId' },
    { name: 'rows', type: 'integer', summary: 'How many rows are read, from the beginning.', default: '5000' },
  ],
  examples: [
    { text: '%nab scored', says: 'The standard profile.' },
    { text: '%nab scored --by machineId --profile low-fp', says: 'Each machine is a series; false alerts cost twice.' },
  ],
  glossary: 'Flink, Kafka Streams and Beam: nothing alike; NAB: the score of a corpus',
  expand: (section, context: SectionContext) => {
    const options = optionsObject(section, context, { profile: 'profile', by: 'by', rows: 'rows' })
    const { pieces } = context.source(section)
    return { pieces: [{ code: `await ${context.api('nab')}(` }, ...pieces, ...further(options), { code: ')' }] }
  },
})
