/** `%%produce TOPIC`: sends the rows of the body to a topic. */
import { expressionBody, further, join, objectOf, optionCode } from './code.ts'
import {
  defineMagic,
  type HeaderValue,
  type MagicDefinition,
  type Piece,
  type Section,
  type SectionContext,
  type Span,
} from './define.ts'
import { jsonFault } from './json.ts'
import { parseExpression } from './typescript.ts'
import { notNegative, positive } from './topic.ts'
import { quote, valueCode } from './values.ts'

export const produce: MagicDefinition = defineMagic({
  name: 'produce',
  kind: 'cell',
  summary: 'Sends the rows in the body to a topic.',
  positionals: [{ name: 'TOPIC', type: 'topic', required: true, summary: 'A topic, or CONNECTION:TOPIC.' }],
  options: [
    { name: 'key', type: 'field', summary: 'Field whose value is the key of the record.', example: 'orderId' },
    {
      name: 'rate',
      type: 'number',
      summary: 'Rows a second; without it as fast as the topic takes them.',
      example: '10',
      check: positive,
    },
    { name: 'partition', type: 'integer', summary: 'All rows go to this partition.', example: '0', check: notNegative },
    {
      name: 'headers',
      type: 'text',
      summary: 'Headers of every record.',
      example: 'source=lab,run=7',
      check: wrongHeaders,
    },
    {
      name: 'format',
      type: 'choice',
      choices: ['json', 'avro', 'text', 'bytes'],
      summary:
        'How values are written; avro by the newest schema of TOPIC-value, made of the rows where there is none; with text and bytes each line of the body is a value: as it stands, or base64.',
      default: 'json',
    },
  ],
  body: {
    required: true,
    summary: 'JSON objects, one a line (null is a tombstone), or a TypeScript expression giving rows',
  },
  examples: [
    {
      text: '%%produce orders --key orderId\n{ "orderId": "o-1", "region": "north", "amount": 12.5 }\n{ "orderId": "o-2", "region": "south", "amount": 7 }',
      says: 'Two orders.',
    },
    {
      text: '%%produce orders --rate 10\nArray.from({ length: 100 }, (_, i) => ({ orderId: `o-${i}`, amount: i }))',
      says: 'A hundred orders, ten a second.',
    },
    {
      text: '%%produce orders --format text\nno JSON at all',
      says: 'A value that a reader cannot decode: it is counted, not fatal.',
    },
  ],
  glossary: 'Flink: INSERT INTO · Kafka: producer · Beam: KafkaIO.write',
  expand: (section, context: SectionContext) => {
    const topic = section.positionals[0]
    if (topic === undefined) context.fail('%%produce needs a TOPIC', section.header)
    const entries: Piece[][] = []
    for (const option of ['key', 'rate', 'partition', 'format']) {
      const value = section.options.get(option)?.[0]
      if (value !== undefined) entries.push([{ code: `${option}: ` }, ...optionCode(section, context, option, value)])
    }
    const headers = section.options.get('headers')?.[0]
    if (headers !== undefined) entries.push([{ code: 'headers: ' }, ...headersCode(headers, context)])
    return {
      pieces: [
        { code: `await ${context.api('produce')}(` },
        ...valueCode(topic, 'topic', context.verbatim),
        { code: ', ' },
        ...rows(section, context),
        ...further(objectOf(entries)),
        { code: ')' },
      ],
    }
  },
})

export function wrongHeaders(text: string): string | undefined {
  return text.split(',').every(header => /^[^=]+=/.test(header))
    ? undefined
    : 'headers are written name=value,name=value'
}

export function headersCode(headers: HeaderValue, context: SectionContext): readonly Piece[] {
  if (headers.expression) return context.verbatim(headers.inner)
  const entries = headers.value.split(',').map(header => {
    const at = header.indexOf('=')
    return [{ code: `${quote(header.slice(0, at))}: ${quote(header.slice(at + 1))}`, from: headers.inner }]
  })
  return objectOf(entries)
}

/** JSON lines become the elements of an array; JSON is TypeScript, so they stay as typed. */
function rows(section: Section, context: SectionContext): readonly Piece[] {
  const format = section.options.get('format')?.[0]
  if (format !== undefined && !format.expression && (format.value === 'text' || format.value === 'bytes'))
    return plainRows(section.body as Span)
  const lines = linesOf(section.body as Span)
  const wrong = lines.find(line => jsonFault(line.text) !== undefined)
  if (wrong === undefined && !(lines.length === 1 && lines[0]?.text.startsWith('['))) {
    return [
      { code: '[\n  ' },
      ...join(
        lines.map(line => [{ verbatim: line }]),
        ',\n  ',
      ),
      { code: ',\n]' },
    ]
  }
  const looksLikeLines =
    wrong !== undefined &&
    lines.every(line => /^[{[]/.test(line.text)) &&
    parseExpression((section.body as Span).text).error !== undefined
  if (looksLikeLines && context.lenient !== true)
    context.fail(`A row of %%produce is not JSON: ${jsonFault(wrong.text)}`, wrong, '{ "amount": 1 }')
  const body = expressionBody(section, context)
  const pieces = body === undefined ? [] : context.verbatim(body.span)
  return body?.node.type === 'ObjectExpression' ? [{ code: '[' }, ...pieces, { code: ']' }] : pieces
}

/** Each line is a value, empty ones too, but for those around the body. */
function plainRows(body: Span): Piece[] {
  const lead = /^(?:[ \t]*\r?\n)*/.exec(body.text)?.[0].length ?? 0
  let at = body.start + lead
  const rows = body.text
    .slice(lead)
    .trimEnd()
    .split('\n')
    .map(line => {
      const text = line.replace(/\r$/, '')
      const from = { start: at, end: at + text.length, text }
      at += line.length + 1
      return [{ code: quote(text), from }]
    })
  return [{ code: '[\n  ' }, ...join(rows, ',\n  '), { code: ',\n]' }]
}

function linesOf(body: Span): Span[] {
  const spans: Span[] = []
  let at = body.start
  for (const line of body.text.split('\n')) {
    const text = line.trim()
    const start = at + (line.length - line.trimStart().length)
    if (text !== '') spans.push({ start, end: start + text.length, text })
    at += line.length + 1
  }
  return spans
}
