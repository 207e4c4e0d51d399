/** `%%markdown`: shows the body as Markdown. */
import { defineMagic, type MagicDefinition } from './define.ts'
import { plainBody } from './html.ts'
import { template } from './values.ts'

export const markdown: MagicDefinition = defineMagic({
  name: 'markdown',
  kind: 'cell',
  summary: 'Shows the body as Markdown.',
  positionals: [],
  options: [],
  body: { required: true, summary: 'Markdown, to the end of the cell' },
  plainBody: true,
  examples: [{ text: '%%markdown\n## Result\nThe *north* leads.', says: 'A heading and a line.' }],
  glossary: 'As in IPython.',
  expand: section => ({ pieces: [{ code: `display.markdown(${template(plainBody(section))});`, from: section.body }] }),
})
