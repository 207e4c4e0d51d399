/** `%cd FOLDER`: changes the working folder of the cells. */
import { defineMagic, type MagicDefinition, type SectionContext } from './define.ts'
import { valueCode } from './values.ts'

export const cd: MagicDefinition = defineMagic({
  name: 'cd',
  kind: 'line',
  summary: 'Changes the working folder of the cells and tells it; imports stay relative to the notebook.',
  positionals: [{ name: 'FOLDER', type: 'path', required: false, summary: 'Path; without it the folder is told.' }],
  options: [],
  examples: [{ text: '%cd ..', says: 'One folder up.' }],
  glossary: 'As in IPython.',
  expand: (section, context: SectionContext) => {
    const folder = section.positionals[0]
    if (folder === undefined) return { pieces: [{ code: 'console.log(process.cwd())' }] }
    return {
      pieces: [
        { code: 'process.chdir(' },
        ...valueCode(folder, 'path', context.verbatim),
        { code: ')\nconsole.log(process.cwd())' },
      ],
    }
  },
})
