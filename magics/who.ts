/** `%who`: the variables of the notebook. */
import { defineMagic, type MagicDefinition } from './define.ts'

export const who: MagicDefinition = defineMagic({
  name: 'who',
  kind: 'line',
  summary: 'Lists the variables of the notebook with kind and value.',
  positionals: [],
  options: [],
  examples: [{ text: '%who', says: 'All variables, streams and topics among them.' }],
  glossary: 'As in IPython (%whos).',
  expand: () => ({ pieces: [{ code: 'console.table(await notebook.who())' }] }),
})
