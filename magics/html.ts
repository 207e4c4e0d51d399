/** `%%html`: shows the body as HTML. */
import { defineMagic, type MagicDefinition, type Section } from './define.ts'
import { template } from './values.ts'

export const html: MagicDefinition = defineMagic({
  name: 'html',
  kind: 'cell',
  summary: 'Shows the body as HTML.',
  positionals: [],
  options: [],
  body: { required: true, summary: 'HTML, to the end of the cell' },
  plainBody: true,
  examples: [{ text: '%%html\n<b>Orders</b> of today', says: 'Bold, then plain.' }],
  glossary: 'As in IPython.',
  expand: section => ({ pieces: [{ code: `display.html(${template(plainBody(section))});`, from: section.body }] }),
})

/** The body as typed, without the newline at its end. */
export function plainBody(section: Section): string {
  return (section.body?.text ?? '').replace(/\r\n/g, '\n').replace(/\n$/, '')
}
