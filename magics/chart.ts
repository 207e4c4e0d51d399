/** `%%chart [STREAM]`: draws a stream as a live Vega-Lite chart of one's own. */
import { expressionBody, objectOf, optionCode } from './code.ts'
import { forms } from '../stream/charts/forms/index.ts'
import { defineMagic, type MagicDefinition, type Piece, type SectionContext } from './define.ts'
import { wrongZone } from './values.ts'

export const CHART_MARKS: readonly string[] = forms.map(form => form.mark)

const PROPERTIES = ['mark', 'x', 'y', 'color', 'keep', 'fps', 'title', 'zone', 'changes'] as const

export const chart: MagicDefinition = defineMagic({
  name: 'chart',
  kind: 'cell',
  summary: 'Draws a stream as a live chart.',
  positionals: [
    {
      name: 'STREAM',
      type: 'stream',
      required: false,
      summary: 'A stream; without it the stream of the section above.',
    },
  ],
  options: [
    { name: 'mark', type: 'choice', choices: CHART_MARKS, summary: 'What is drawn.', example: 'line' },
    { name: 'x', type: 'field', ofInput: true, summary: 'Field of the horizontal axis.', example: 'windowEnd' },
    { name: 'y', type: 'field', ofInput: true, summary: 'Field of the vertical axis.', example: 'revenue' },
    {
      name: 'color',
      type: 'field',
      ofInput: true,
      summary: 'Field that parts the series; of more than twenty the smaller are one, "other".',
      example: 'region',
    },
    {
      name: 'keep',
      type: 'text',
      summary: 'What stays on the chart: a span of event time, a count of rows, or the newest row of each key.',
      example: '5m|1000|latest',
      check: wrongKeep,
    },
    {
      name: 'fps',
      type: 'integer',
      summary: 'Frames a second, 1 to 20.',
      default: '10',
      example: '10',
      check: wrongFps,
    },
    { name: 'title', type: 'text', summary: 'Title above the chart.', example: '"Revenue by region"' },
    {
      name: 'zone',
      type: 'text',
      summary: 'Time zone of axes and tables.',
      default: 'UTC',
      example: 'Europe/Berlin',
      check: wrongZone,
    },
    {
      name: 'changes',
      type: 'flag',
      summary: 'The table shows which rows came and which were taken back, newest first; a button does the same.',
    },
  ],
  body: {
    required: false,
    summary: 'part of a Vega-Lite spec, JSON or a TypeScript object: { "mark": { "strokeWidth": 3 } }',
  },
  examples: [
    { text: '%%chart revenue --mark line --y revenue --color region', says: 'A line for each region.' },
    {
      text: '%%chart revenue --mark bar --keep latest\n{ "encoding": { "y": { "scale": { "domain": [0, 5000] } } } }',
      says: 'The newest window of each key, on a fixed scale.',
    },
    {
      text: '%%join orders payments --on orderId --within 5m\n%%chart --mark lanes --title "Who is paid, who waits"',
      says: 'A join: both sides on event time, lines between rows that met, who waits and who left alone.',
    },
    {
      text: '%%chart paid --mark table --changes',
      says: 'Of a changelog: rows as they come (+) and are taken back (−).',
    },
  ],
  glossary:
    'No counterpart in Flink, Kafka Streams or Beam: a sink whose consumer is the browser; frames it cannot draw in time are merged.',
  expand: (section, context: SectionContext) => {
    const source = context.source(section)
    if (!section.last) {
      return { pieces: [], notices: ['%%chart is not the last section of this cell: only the last one is shown'] }
    }
    const entries: Piece[][] = []
    for (const property of PROPERTIES) {
      const value = section.options.get(property)?.[0]
      if (value === undefined) continue
      const count = property === 'keep' && /^\d+$/.test(value.value) && !value.expression
      entries.push([
        { code: `${property}: ` },
        ...(count
          ? [{ code: String(Number(value.value)), from: value.inner }]
          : optionCode(section, context, property, value)),
      ])
    }
    const body = expressionBody(section, context)
    if (body !== undefined && !['ObjectExpression', 'Unparsed'].includes(body.node.type)) {
      context.fail(
        'The body of %%chart is a part of a Vega-Lite spec, an object',
        body.span,
        '{ "mark": { "strokeWidth": 3 } }',
      )
    }
    if (body !== undefined) entries.push([{ code: 'spec: ' }, ...context.verbatim(body.span)])
    return { pieces: section.quiet ? [] : [...source.pieces, { code: '.chart(' }, ...objectOf(entries), { code: ')' }] }
  },
})

function wrongKeep(text: string): string | undefined {
  const known = text === 'latest' || /^[1-9]\d{0,8}$/.test(text) || /^\d+(?:\.\d+)?(?:ms|s|m|h|d)$/.test(text)
  return known ? undefined : 'it is a span like 5m, a count of rows like 1000, or latest'
}

function wrongFps(text: string): string | undefined {
  return Number(text) >= 1 && Number(text) <= 20 ? undefined : 'it is 1 to 20'
}
