/** `%%window STREAM`: cuts a stream into windows of time and computes named aggregates for each. */
import { further, join, objectOf, optionCode, optionsObject, propertiesBody } from './code.ts'
import {
  defineMagic,
  type HeaderValue,
  type MagicDefinition,
  type OptionDefinition,
  type Piece,
  type Section,
  type SectionContext,
} from './define.ts'
import { CHART_MARKS } from './chart.ts'
import { fieldPlaces } from './fields.ts'
import { quote, wrongZone } from './values.ts'

/** Windows that two sizes name, of aggregates and of joins. */
export const pairOptions: readonly OptionDefinition[] = [
  {
    name: 'hopping',
    type: 'text',
    summary: 'Windows of the first size, one begins every second size.',
    example: '10s/5s',
    check: wrongPair,
  },
  {
    name: 'cumulating',
    type: 'text',
    summary: 'Windows that grow by the second size up to the first, then begin anew.',
    example: '1h/1m',
    check: wrongPair,
  },
]

export const window: MagicDefinition = defineMagic({
  name: 'window',
  kind: 'cell',
  summary: 'Cuts a stream into windows of time and computes aggregates for each window and key.',
  positionals: [
    {
      name: 'STREAM',
      type: 'stream',
      required: false,
      summary: 'A stream; without it the section continues the one above.',
    },
  ],
  options: [
    { name: 'tumbling', type: 'duration', summary: 'Windows of this size, side by side.', example: '10s' },
    ...pairOptions,
    {
      name: 'session',
      type: 'duration',
      summary: 'Windows of records that follow each other within this gap.',
      example: '30s',
    },
    {
      name: 'counting',
      type: 'text',
      summary: 'Windows of so many records of a key; with a second number a row every so many of them.',
      example: '100/10',
      check: wrongCounts,
    },
    {
      name: 'over',
      type: 'text',
      summary: 'For each record the records before it: so far back in time, or the last so many of its key.',
      example: '10m',
      check: wrongRange,
    },
    {
      name: 'by',
      type: 'fields',
      ofInput: true,
      summary: 'Key fields: a window for each of their values.',
      example: 'region',
    },
    {
      name: 'lateness',
      type: 'duration',
      summary: 'How long a closed window still takes late records.',
      default: '0',
      example: '2s',
    },
    {
      name: 'emit',
      type: 'text',
      summary: 'When rows leave: at the close, at each change, or each second of event time.',
      default: 'final',
      example: 'final|changes|1s',
      check: wrongEmit,
    },
    { name: 'offset', type: 'duration', summary: 'Moves the bounds of the windows.', default: '0', example: '15m' },
    {
      name: 'zone',
      type: 'text',
      summary: 'Time zone of windows of days, weeks and months (1d, 1w, 1mo). Default UTC.',
      example: 'Europe/Berlin',
      check: wrongZone,
    },
    { name: 'as', type: 'name', summary: 'Name of the result.', example: 'revenue' },
    {
      name: 'chart',
      type: 'choice',
      choices: [...CHART_MARKS, 'none'],
      summary: 'Mark of the chart; none shows nothing.',
    },
  ],
  body: {
    required: false,
    summary: "named aggregates: revenue: sum('amount'), n: count(); without a body count: count()",
  },
  examples: [
    {
      text: '%%window orders --tumbling 10s --by region',
      says: 'Orders counted in windows of ten seconds, for each region.',
    },
    { text: '%%window orders --hopping 1m/10s', says: 'The last minute, anew every ten seconds.' },
    {
      text: "%%window orders --tumbling 10s --by region --lateness 2s --as revenue\nrevenue: sum('amount'),\nn: count(),",
      says: 'Two aggregates; a closed window takes late orders for two seconds more.',
    },
    {
      text: '%%window orders --session 30s --by region',
      says: 'Orders of a region that follow each other within thirty seconds.',
    },
    { text: '%%window orders --tumbling 1d --zone Europe/Berlin', says: 'Days as a clock in Berlin shows them.' },
    {
      text: "%%window orders --over 10m --by region\nmean: mean('amount')",
      says: 'Each order with the mean of the ten minutes before it.',
    },
  ],
  glossary:
    'Flink: TUMBLE, HOP, CUMULATE, SESSION, countWindow, OVER · Kafka Streams: windowedBy(TimeWindows, SessionWindows) · Beam: Window.into(FixedWindows, SlidingWindows, Sessions)',
  step: { suffix: 'Window' },
  expand: (section, context: SectionContext) => {
    const by = section.options.get('by')?.[0]
    const pieces: Piece[] = []
    if (by !== undefined) pieces.push({ code: '\n  .keyBy(' }, ...keyFields(by, context), { code: ')' })
    const settings = optionsObject(section, context, { lateness: 'lateness', emit: 'emit' })
    pieces.push({ code: '\n  .window(' }, ...windowCode(section, context), ...further(settings), { code: ')' })
    pieces.push({ code: '\n  .aggregate(' }, ...aggregates(section, context), { code: ')' })
    return { pieces, show: shown(section, context) }
  },
})

function wrongEmit(text: string): string | undefined {
  const known = text === 'final' || text === 'changes' || /^\d+(?:\.\d+)?(?:ms|s|m|h|d)$/.test(text)
  return known ? undefined : 'it is final, changes or a duration like 1s'
}

export function keyFields(by: HeaderValue, context: SectionContext): readonly Piece[] {
  if (by.expression) return context.verbatim(by.inner)
  return join(
    fieldPlaces(by).map(field => [{ code: quote(field.text), from: field }]),
    ', ',
  )
}

const KINDS = ['tumbling', 'hopping', 'cumulating', 'session', 'counting', 'over'] as const
type Kind = (typeof KINDS)[number]

/** Options that only some windows know; elsewhere they would be ignored. */
const KNOWN_BY: Readonly<Record<string, readonly Kind[]>> = {
  offset: ['tumbling', 'hopping', 'cumulating'],
  zone: ['tumbling', 'cumulating'],
  lateness: ['tumbling', 'hopping', 'cumulating', 'session'],
  emit: ['tumbling', 'hopping', 'cumulating', 'session'],
}

function windowCode(section: Section, context: SectionContext): Piece[] {
  const given = KINDS.filter(kind => section.options.has(kind))
  const [kind, second] = given
  if (kind === undefined) context.fail('%%window does not say which window', section.header, '--tumbling 10s')
  const value = section.options.get(kind)?.[0] as HeaderValue
  if (second !== undefined) {
    const other = section.options.get(second)?.[0] as HeaderValue
    context.fail(`%%window is --${kind} or --${second}, not both`, other)
  }
  for (const [option, kinds] of Object.entries(KNOWN_BY)) {
    const wrong = section.options.get(option)?.[0]
    if (wrong === undefined || kinds.includes(kind)) continue
    context.fail(`--${option} is for ${kinds.map(k => `--${k}`).join(', ')}, a window --${kind} has none`, wrong)
  }
  const options = optionsObject(section, context, { offset: 'offset', zone: 'zone' })
  return [
    { code: `${context.api(kind)}(` },
    ...sizesCode(kind, value, section, context),
    ...further(options),
    { code: ')' },
  ]
}

function sizesCode(kind: Kind, value: HeaderValue, section: Section, context: SectionContext): Piece[] {
  if (kind === 'hopping' || kind === 'cumulating') return pairCode(value, kind, context)
  const counts = kind === 'counting' || (kind === 'over' && /^\d+$/.test(value.value))
  if (value.expression || !counts) return optionCode(section, context, kind, value)
  return [{ code: value.value.replace('/', ', '), from: value.inner }]
}

function wrongCounts(text: string): string | undefined {
  return /^[1-9]\d{0,8}(?:\/[1-9]\d{0,8})?$/.test(text)
    ? undefined
    : 'it is one or two whole numbers, like 100 or 100/10'
}

function wrongRange(text: string): string | undefined {
  if (/^[1-9]\d{0,8}$/.test(text) || /^\d+(?:\.\d+)?(?:ms|s|m|h|d|w)$/.test(text)) return undefined
  return 'it is a duration or a number of records, like 10m or 100'
}

const PAIR = /^(\d+(?:\.\d+)?(?:ms|s|m|h|d|w|mo))\/(\d+(?:\.\d+)?(?:ms|s|m|h|d|w))$/

function wrongPair(text: string): string | undefined {
  return PAIR.test(text) ? undefined : 'it is two durations, like 10s/5s'
}

/** `10s/5s` → `'10s', '5s'`. */
export function pairCode(value: HeaderValue, kind: string, context: SectionContext): Piece[] {
  if (value.expression)
    context.fail(`--${kind} is two durations, an expression gives one value`, value, `--${kind} 10s/5s`)
  const sizes = PAIR.exec(value.value)?.slice(1) ?? []
  return [{ code: sizes.map(quote).join(', '), from: value.inner }]
}

function aggregates(section: Section, context: SectionContext): Piece[] {
  const properties = propertiesBody(section, context)
  if (properties === undefined || properties.length === 0) return [{ code: `{ count: ${context.api('count')}() }` }]
  const lists = properties.map(property => context.verbatim(property.span))
  if (lists.length === 1) return objectOf(lists)
  return [{ code: '{\n    ' }, ...join(lists, ',\n    '), { code: ',\n  }' }]
}

function shown(section: Section, context: SectionContext): readonly Piece[] | 'none' | undefined {
  const mark = section.options.get('chart')?.[0]
  if (mark === undefined) return undefined
  if (mark.value === 'none') return 'none'
  return [{ code: '.chart({ mark: ' }, ...optionCode(section, context, 'chart', mark), { code: ' })' }]
}
