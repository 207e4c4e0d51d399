/** `%lsmagic`: the list of all magics. */
import { defineMagic, type MagicDefinition } from './define.ts'

export const lsmagic: MagicDefinition = defineMagic({
  name: 'lsmagic',
  kind: 'line',
  summary: 'Lists all magics with one line each.',
  positionals: [],
  options: [],
  examples: [{ text: '%lsmagic', says: 'Line magics, then cell magics.' }],
  glossary: 'As in IPython.',
  expand: () => ({ pieces: [{ code: 'await notebook.lsmagic()' }] }),
})
