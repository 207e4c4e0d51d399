/** `%quickref`: all of the language on one page. */
import { defineMagic, type MagicDefinition } from './define.ts'

export const quickref: MagicDefinition = defineMagic({
  name: 'quickref',
  kind: 'line',
  summary: 'Shows all magics with their options on one page.',
  positionals: [],
  options: [],
  examples: [{ text: '%quickref', says: 'One page to keep beside the notebook.' }],
  glossary: 'As in IPython.',
  expand: () => ({ pieces: [{ code: 'await notebook.quickref()' }] }),
})
