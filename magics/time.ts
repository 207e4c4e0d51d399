/** `%time EXPRESSION`: tells how long an expression takes. */
import { defineMagic, type MagicDefinition, type SectionContext } from './define.ts'
import { parseExpression } from './typescript.ts'

export const time: MagicDefinition = defineMagic({
  name: 'time',
  kind: 'line',
  summary: 'Evaluates an expression and tells how long it took; its value is not shown.',
  positionals: [{ name: 'EXPRESSION', type: 'text', required: true, summary: 'TypeScript; await may stand in it.' }],
  options: [],
  raw: true,
  examples: [{ text: '%time await orders.take(1000)', says: 'How long a thousand orders take to come.' }],
  glossary: 'As in IPython.',
  expand: (section, context: SectionContext) => {
    const typed = section.positionals[0]
    if (typed === undefined) context.fail('%time needs an EXPRESSION', section.header)
    const { error } = parseExpression(typed.text)
    if (error !== undefined) {
      const at = Math.min(typed.start + error.at, typed.end - 1)
      context.fail(`The expression does not parse: ${error.message}`, { start: at, end: at + 1, text: '' })
    }
    return {
      pieces: [
        { code: "console.time('time')\nvoid (" },
        { verbatim: typed.inner },
        { code: ")\nconsole.timeEnd('time')" },
      ],
    }
  },
})
