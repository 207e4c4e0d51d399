/** `%run FILE`: runs a TypeScript file or a notebook as if its text stood here. */
import { defineMagic, type MagicDefinition, type SectionContext } from './define.ts'
import { valueCode } from './values.ts'

export const run: MagicDefinition = defineMagic({
  name: 'run',
  kind: 'line',
  summary: 'Runs a TypeScript file or the code cells of a notebook; what it declares are variables of the next cells.',
  positionals: [
    { name: 'FILE', type: 'path', required: true, summary: 'A .ts or .ipynb file, from the folder of the notebook.' },
  ],
  options: [],
  examples: [{ text: '%run helpers.ts', says: 'Its functions are variables of the notebook from the next cell on.' }],
  glossary: 'As in IPython.',
  expand: (section, context: SectionContext) => {
    const file = section.positionals[0]
    if (file === undefined) context.fail('%run needs a FILE', section.header)
    if (!file.expression && !/\.(?:[mc]?ts|[mc]?js|ipynb)$/.test(file.value))
      context.fail(`"${file.value}" is neither TypeScript nor a notebook`, file, '%run helpers.ts')
    return { pieces: [{ code: 'await notebook.run(' }, ...valueCode(file, 'path', context.verbatim), { code: ')' }] }
  },
})
