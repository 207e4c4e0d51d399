/** `%history`: the inputs of this session. */
import { defineMagic, type MagicDefinition } from './define.ts'

export const history: MagicDefinition = defineMagic({
  name: 'history',
  kind: 'line',
  summary: 'Prints the inputs of this session, oldest first.',
  positionals: [],
  options: [],
  examples: [{ text: '%history', says: 'All that was run so far.' }],
  glossary: 'As in IPython.',
  expand: () => ({
    pieces: [{ code: "console.log((await notebook.history()).map(entry => entry.input).join('\\n\\n'))" }],
  }),
})
