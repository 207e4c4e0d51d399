/** `%reset [NAME…]`: forgets variables of the notebook. */
import { defineMagic, type MagicDefinition, type SectionContext } from './define.ts'
import { IDENTIFIER, quote } from './values.ts'

export const reset: MagicDefinition = defineMagic({
  name: 'reset',
  kind: 'line',
  summary: 'Forgets all variables of the notebook, or those named; streams go on, stream(NAME) finds them.',
  positionals: [
    { name: 'NAME', type: 'text', required: false, repeated: true, summary: 'A variable; without one all are meant.' },
  ],
  options: [],
  examples: [
    { text: '%reset', says: 'A notebook as after a restart, without one.' },
    { text: '%reset revenue', says: 'Lets go of one variable and its memory.' },
  ],
  glossary: 'As in IPython (%reset -f).',
  expand: (section, context: SectionContext) => {
    for (const name of section.positionals) {
      if (name.expression || !IDENTIFIER.test(name.value))
        context.fail(`"${name.value}" is not a name of a variable`, name, '%reset big')
      if (context.lenient !== true && !context.names.has(name.value))
        context.fail(`There is no variable ${name.value}`, name, '%who')
    }
    const names = section.positionals.map(name => quote(name.value)).join(', ')
    return { pieces: [{ code: `await notebook.reset([${names}])` }] }
  },
})
