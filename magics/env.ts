/** `%env NAME VALUE`: sets an environment variable of the cells. */
import { defineMagic, type MagicDefinition, type SectionContext } from './define.ts'
import { quote, valueCode } from './values.ts'

export const env: MagicDefinition = defineMagic({
  name: 'env',
  kind: 'line',
  summary: 'Sets an environment variable of the cells; without a value it tells whether it is set, not its value.',
  positionals: [
    { name: 'NAME', type: 'text', required: true, summary: 'Name of the variable.' },
    { name: 'VALUE', type: 'text', required: false, summary: 'Its value; secrets do not belong into a notebook.' },
  ],
  options: [],
  examples: [
    { text: '%env TZ UTC', says: 'Sets TZ.' },
    { text: '%env HOME', says: 'Tells whether HOME is set.' },
  ],
  glossary: 'As in IPython.',
  expand: (section, context: SectionContext) => {
    const [name, value] = section.positionals
    if (name === undefined) context.fail('%env needs a NAME', section.header)
    if (name.expression || !/^[A-Za-z_]\w*$/.test(name.value)) {
      const [before = '', after = ''] = name.value.split('=')
      context.fail(
        `"${name.value}" is not a name of a variable`,
        name,
        after === '' ? '%env TZ UTC' : `%env ${before} ${after}`,
      )
    }
    const variable = `process.env[${quote(name.value)}]`
    if (value === undefined) {
      const told = `${variable} === undefined ? ${quote(`${name.value} is not set`)} : ${quote(`${name.value} is set`)}`
      return { pieces: [{ code: `console.log(${told})` }] }
    }
    return { pieces: [{ code: `${variable} = ` }, ...valueCode(value, 'text', context.verbatim), { code: ';' }] }
  },
})
