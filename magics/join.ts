/** `%%join LEFT RIGHT`: rows of two streams that belong together. */
import { StreamError } from '../stream/errors.ts'
import { JOIN_TYPES, joinBounds } from '../stream/joins.ts'
import { expressionBody, further, objectOf, optionCode } from './code.ts'
import {
  defineMagic,
  type HeaderValue,
  type MagicDefinition,
  type Piece,
  type Section,
  type SectionContext,
} from './define.ts'
import { checkSides } from './fields.ts'
import { quote } from './values.ts'
import { pairCode, pairOptions } from './window.ts'

export const join: MagicDefinition = defineMagic({
  name: 'join',
  kind: 'cell',
  summary: 'Joins two streams: rows that are equal in a field and near in time, or a stream with a table.',
  positionals: [
    { name: 'LEFT', type: 'stream', required: true, summary: 'The stream whose rows come first in the body.' },
    { name: 'RIGHT', type: 'stream', required: true, summary: 'The stream, table or versions it is joined with.' },
  ],
  options: [
    {
      name: 'on',
      type: 'fields',
      summary: 'Fields both sides have, or LEFT=RIGHT where they have other names; null matches nothing.',
      example: 'orderId',
    },
    {
      name: 'within',
      type: 'text',
      summary: 'Rows match whose times lie so near; 5m is -5m..5m, right time minus left time.',
      example: '5m',
      check: wrongWithin,
    },
    {
      name: 'tumbling',
      type: 'duration',
      summary: 'Rows match that fall into the same window of this size.',
      example: '10s',
    },
    ...pairOptions,
    {
      name: 'session',
      type: 'duration',
      summary: 'Sessions that both sides form together, ended by this gap.',
      example: '30s',
    },
    { name: 'table', type: 'flag', summary: 'RIGHT is a table: each left row gets the newest row of its key.' },
    { name: 'as-of', type: 'flag', summary: 'RIGHT are versions: each left row gets the one of its time.' },
    {
      name: 'ttl',
      type: 'duration',
      summary: 'All rows match that live so long; pads are taken back when a partner comes.',
      example: '1h',
    },
    {
      name: 'type',
      type: 'choice',
      choices: ['inner', 'left', 'right', 'full', 'semi', 'anti'],
      summary:
        'Which rows come without partner: a pad is null. semi and anti, in windows: left rows with and without one.',
      default: 'inner',
    },
    { name: 'as', type: 'name', summary: 'Name of the result.', example: 'paid' },
  ],
  body: { required: false, summary: 'a lambda of both rows: (l, r) => row; without a body { left, right }' },
  examples: [
    {
      text: '%%join orders payments --on orderId --within 5m --type left --as paid\n(o, p) => ({ ...o, paid: p !== null })',
      says: 'Orders with their payment; those that get none within five minutes come with null.',
    },
    {
      text: '%%join orders payments --on orderId --tumbling 10s',
      says: 'Pairs of the same ten seconds, when these are over.',
    },
    {
      text: '%%join orders payments --on orderId --table',
      says: 'Each order with the newest payment of its id at that moment.',
    },
    {
      text: '%%join payments orders --on orderId=orderId --as-of',
      says: 'Each payment with the order as it was at that time.',
    },
  ],
  glossary:
    'Flink: interval, window, temporal and regular join · Kafka Streams: KStream#join with JoinWindows or a KTable · Beam: CoGroupByKey',
  step: { suffix: 'Join' },
  expand: (section, context: SectionContext) => {
    const right = context.source(section, 1)
    const as = section.options.get('as')?.[0]
    if (as !== undefined && as.value === right.name)
      context.fail(
        `%%join cannot call its result ${as.value}: it reads the stream of that name`,
        as,
        `--as ${as.value}2`,
      )
    const type = section.options.get('type')?.[0]
    const mode = modeOf(section, context)
    const options = [[{ code: 'on: ' }, ...onCode(section, context)], modeCode(mode, section, context)]
    if (type !== undefined) {
      refuseType(mode, type, context)
      options.push([{ code: 'type: ' }, ...optionCode(section, context, 'type', type)])
    }
    const body = expressionBody(section, context)
    const lambda = body === undefined ? [] : context.verbatim(body.span)
    return {
      pieces: [
        { code: '\n  .join(' },
        ...right.pieces,
        { code: ', ' },
        ...objectOf(options),
        ...further(lambda),
        { code: ')' },
      ],
    }
  },
})

function onCode(section: Section, context: SectionContext): readonly Piece[] {
  const on = section.options.get('on')?.[0]
  if (on === undefined)
    return context.fail('%%join does not say on which field rows match', section.header, '--on orderId')
  if (on.expression) return context.verbatim(on.inner)
  const fields = on.value.split(',').map(field => field.trim())
  const half = fields.find(field => /^=|=$/.test(field))
  if (half !== undefined)
    context.fail(`--on of %%join is "${half}": it is a field, or LEFT=RIGHT`, on, `--on ${half.replace('=', '')}`)
  checkSides(on, [context.columnsOf(section, 0), context.columnsOf(section, 1)], context)
  const code = fields.length === 1 ? quote(fields[0] as string) : `[${fields.map(quote).join(', ')}]`
  return [{ code, from: on.inner }]
}

const KINDS = {
  within: 'interval',
  tumbling: 'window',
  hopping: 'window',
  cumulating: 'window',
  session: 'window',
  table: 'table',
  'as-of': 'asOf',
  ttl: 'ttl',
} as const

type Mode = keyof typeof KINDS

const MODES = Object.keys(KINDS) as readonly Mode[]

function modeOf(section: Section, context: SectionContext): Mode {
  const [mode, second] = MODES.filter(name => section.options.has(name))
  if (mode === undefined)
    return context.fail('%%join does not say which rows belong together', section.header, '--within 5m')
  if (second !== undefined)
    context.fail(`%%join is --${mode} or --${second}, not both`, section.options.get(second)?.[0] as HeaderValue)
  return mode
}

function refuseType(mode: Mode, type: HeaderValue, context: SectionContext): void {
  const allowed = JOIN_TYPES[KINDS[mode]]
  if (type.expression || allowed.some(known => known === type.value)) return
  const windowed = type.value === 'semi' || type.value === 'anti'
  context.fail(
    `--type of %%join --${mode} is one of ${allowed.join(', ')}, not ${type.value}`,
    type,
    windowed ? `--tumbling 10s --type ${type.value}` : '--type left',
  )
}

function modeCode(mode: Mode, section: Section, context: SectionContext): Piece[] {
  const value = section.options.get(mode)?.[0] as HeaderValue
  switch (mode) {
    case 'within':
    case 'ttl':
    case 'table':
      return [{ code: `${mode}: ` }, ...optionCode(section, context, mode, value)]
    case 'as-of':
      return [{ code: 'asOf: true', from: value }]
    default: {
      const sizes =
        mode === 'hopping' || mode === 'cumulating'
          ? pairCode(value, mode, context)
          : optionCode(section, context, mode, value)
      return [{ code: `window: ${context.api(mode)}(` }, ...sizes, { code: ')' }]
    }
  }
}

function wrongWithin(text: string): string | undefined {
  try {
    joinBounds(text)
    return undefined
  } catch (error) {
    // What is no duration at all is told by an example.
    if (!(error instanceof StreamError) || error.code !== 'OPTION_INVALID')
      return 'it is a duration like 5m, or two like -1m..5m'
    return `${error.message.slice(error.message.indexOf(': ') + 2)}; ${error.hint?.replace('Write for example', 'try') ?? ''}`
  }
}
