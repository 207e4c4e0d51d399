/** `%types on|warn|off`: whether cells are checked before they run. */
import { defineMagic, type MagicDefinition, type SectionContext } from './define.ts'
import { quote } from './values.ts'

const MODES = ['on', 'warn', 'off']

export const types: MagicDefinition = defineMagic({
  name: 'types',
  kind: 'line',
  summary:
    'Says whether type errors stop a cell (on), are told (warn) or not looked for (off); without a word it tells the mode.',
  positionals: [
    { name: 'on|warn|off', type: 'text', required: false, suggestions: MODES, summary: 'The mode from here on.' },
  ],
  options: [],
  examples: [
    { text: '%types warn', says: 'Type errors are told, the cell runs.' },
    { text: '%types', says: 'The mode in force.' },
  ],
  glossary: 'No counterpart: queries of Flink, Kafka Streams and Beam are checked by their compilers.',
  expand: (section, context: SectionContext) => {
    const mode = section.positionals[0]
    if (mode === undefined) return { pieces: [{ code: 'console.log(await notebook.types())' }] }
    if (mode.expression || !MODES.includes(mode.value))
      context.fail(`%types is "${mode.value}": it is one of ${MODES.join(', ')}`, mode, '%types on')
    return {
      pieces: [
        { code: 'await notebook.types(' },
        { code: quote(mode.value), from: mode.inner },
        { code: ')' },
        { code: '' },
      ],
    }
  },
})
