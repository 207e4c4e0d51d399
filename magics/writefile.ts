/** `%%writefile FILE`: writes the body into a file. */
import { defineMagic, type MagicDefinition, type SectionContext } from './define.ts'
import { plainBody } from './html.ts'
import { template, valueCode } from './values.ts'

export const writefile: MagicDefinition = defineMagic({
  name: 'writefile',
  kind: 'cell',
  summary: 'Writes the body into a file.',
  positionals: [{ name: 'FILE', type: 'path', required: true, summary: 'Path, seen from the folder of the notebook.' }],
  options: [{ name: 'append', type: 'flag', summary: 'Adds to the end of the file.' }],
  body: { required: true, summary: 'the text, to the end of the cell' },
  plainBody: true,
  examples: [
    {
      text: '%%writefile prices.ts\nexport const tax = 0.19',
      says: "A module that the next cell imports: import { tax } from './prices.ts'",
    },
  ],
  glossary: 'As in IPython.',
  expand: (section, context: SectionContext) => {
    const file = section.positionals[0]
    if (file === undefined) context.fail('%%writefile needs a FILE', section.header)
    const method = section.options.has('append') ? 'appendFile' : 'writeFile'
    return {
      pieces: [
        { code: `await (await import('node:fs/promises')).${method}(` },
        ...valueCode(file, 'path', context.verbatim),
        { code: ', ' },
        { code: template(`${plainBody(section)}\n`), from: section.body },
        { code: ')' },
      ],
    }
  },
})
