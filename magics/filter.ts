/** `%%filter STREAM`: keeps the rows for which the lambda says true. */
import { expressionBody } from './code.ts'
import { defineMagic, type MagicDefinition, type Section, type SectionContext, type Expansion } from './define.ts'

export const filter: MagicDefinition = defineMagic({
  name: 'filter',
  kind: 'cell',
  summary: 'Keeps the rows of a stream for which a lambda says true.',
  positionals: [
    {
      name: 'STREAM',
      type: 'stream',
      required: false,
      summary: 'A stream; without it the section continues the one above.',
    },
  ],
  options: [{ name: 'as', type: 'name', summary: 'Name of the result.', example: 'big' }],
  body: { required: true, summary: 'a lambda from a row to true or false: o => o.amount > 0' },
  examples: [
    { text: '%%filter orders --as big\no => o.amount > 100', says: 'Only large orders, as the stream big.' },
    {
      text: "%%filter orders\no => o.region === 'north'\n%%window --tumbling 10s",
      says: 'A window continues the filter above it.',
    },
  ],
  glossary: 'Flink: filter · Kafka Streams: KStream#filter · Beam: Filter.by',
  step: { suffix: 'Filter' },
  expand: (section, context: SectionContext) => lambdaStep('filter', section, context),
})

/** `.filter(…)` or `.map(…)` around the body. */
export function lambdaStep(method: string, section: Section, context: SectionContext): Expansion {
  const body = expressionBody(section, context)
  const inner = body === undefined ? [] : context.verbatim(body.span)
  return { pieces: [{ code: `\n  .${method}(` }, ...inner, { code: ')' }] }
}
