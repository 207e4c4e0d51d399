/** `%topics`: lists topics; creates, deletes and describes one. */
import { further, objectOf, optionCode, optionsObject } from './code.ts'
import {
  defineMagic,
  type Expansion,
  type HeaderValue,
  type MagicDefinition,
  type Piece,
  type Section,
  type SectionContext,
} from './define.ts'
import { positive } from './topic.ts'
import { valueCode } from './values.ts'

const ACTIONS = ['create', 'delete', 'describe', 'log', 'alter']

/** What each action takes beside NAME. */
const TAKES: Readonly<Record<string, readonly string[]>> = {
  create: ['partitions', 'retention', 'retention-size'],
  alter: ['partitions', 'retention', 'retention-size'],
}

const OPTIONS = ['partitions', 'retention', 'retention-size', 'internal', 'json']

export const topics: MagicDefinition = defineMagic({
  name: 'topics',
  kind: 'line',
  summary:
    'Lists topics with their size, rate and schemas; creates, alters, deletes or describes one, or shows how it is stored.',
  positionals: [
    {
      name: 'PATTERN|create|delete|describe|log|alter',
      type: 'text',
      required: false,
      suggestions: ACTIONS,
      summary:
        'Topics whose name holds this text (* stands for anything; CONNECTION: before it picks a connection), or an action.',
    },
    { name: 'NAME', type: 'topic', required: false, summary: 'The topic of the action.' },
  ],
  options: [
    {
      name: 'partitions',
      type: 'integer',
      summary: 'With create (3 without it) or alter: how many partitions; they only grow.',
      example: '3',
      check: positive,
    },
    {
      name: 'retention',
      type: 'text',
      summary: 'With create or alter: how long records are kept; not for built-in topics.',
      example: '7d|forever',
      check: wrongRetention,
    },
    {
      name: 'retention-size',
      type: 'text',
      summary: 'With create or alter: how much is kept.',
      example: '64MB|unlimited',
      check: wrongSize,
    },
    { name: 'internal', type: 'flag', summary: 'Lists internal topics too.' },
    { name: 'json', type: 'flag', summary: 'Lists as JSON.' },
  ],
  examples: [
    { text: '%topics', says: 'All topics.' },
    { text: '%topics order*', says: 'Topics whose name begins with order.' },
    { text: '%topics create refunds --partitions 6', says: 'A new topic.' },
    { text: '%topics log orders', says: 'Partitions and segments with their first and last offset.' },
    { text: '%topics alter refunds --partitions 12', says: 'More partitions.' },
    { text: '%topics describe orders', says: 'Partitions, columns and newest records of one topic.' },
  ],
  glossary: 'Flink: SHOW TABLES · Kafka: kafka-topics.sh · Beam: no counterpart',
  expand: (section, context: SectionContext) => {
    const [first, second] = section.positionals
    const action =
      first !== undefined && !first.literal && !first.expression && ACTIONS.includes(first.value) ? first : undefined
    if (action !== undefined) return act(section, context, action, second)
    if (first !== undefined && second !== undefined) {
      context.fail(
        `%topics ${first.value} is not an action, it is one of ${ACTIONS.join(', ')}`,
        first,
        `%topics describe ${second.value}`,
      )
    }
    refuse(section, context, ['partitions', 'retention', 'retention-size'], 'the list of topics')
    const settings = objectOf([...listed(section, context, first)])
    const pattern: Piece[] = first === undefined ? [{ code: 'undefined' }] : patternCode(first, context)
    return {
      pieces: [
        { code: 'await notebook.topics(' },
        ...pattern,
        ...further(settings.length === 0 ? [{ code: '{}' }] : settings),
        { code: ')' },
      ],
    }
  },
})

const METHODS: Readonly<Record<string, string>> = {
  create: 'createTopic',
  delete: 'deleteTopic',
  log: 'topicLog',
  alter: 'alterTopic',
}

function wrongRetention(text: string): string | undefined {
  return text === 'forever' || /^\d+(?:\.\d+)?(?:ms|s|m|h|d|w)$/.test(text)
    ? undefined
    : 'it is a duration like 7d, or forever'
}

function wrongSize(text: string): string | undefined {
  return text === 'unlimited' || /^\d+(?:\.\d+)?[kMGT]?B$/.test(text)
    ? undefined
    : 'it is a size like 64MB, or unlimited'
}

function act(section: Section, context: SectionContext, action: HeaderValue, name: HeaderValue | undefined): Expansion {
  if (name === undefined) context.fail(`%topics ${action.value} needs a NAME`, action, `%topics ${action.value} orders`)
  refuse(
    section,
    context,
    OPTIONS.filter(option => !(TAKES[action.value] ?? []).includes(option)),
    `%topics ${action.value}`,
  )
  const topic = valueCode(name, 'topic', context.verbatim)
  if (action.value === 'describe')
    return { pieces: [{ code: 'await notebook.describeTopic(' }, ...topic, { code: ')' }] }
  const method = context.api(METHODS[action.value] as string)
  const settings = optionsObject(section, context, {
    partitions: 'partitions',
    retention: 'retention',
    'retention-size': 'retentionSize',
  })
  if (action.value === 'alter' && settings.length === 0)
    context.fail('%topics alter names nothing to change', action, `%topics alter ${name.value} --partitions 6`)
  return { pieces: [{ code: `await ${method}(` }, ...topic, ...further(settings), { code: ')' }] }
}

/** An option that means nothing here is refused, not ignored. */
function refuse(section: Section, context: SectionContext, options: readonly string[], where: string): void {
  for (const option of options) {
    const value = section.options.get(option)?.[0]
    if (value !== undefined) context.fail(`--${option} means nothing for ${where}`, value)
  }
}

function listed(section: Section, context: SectionContext, first: HeaderValue | undefined): Piece[][] {
  const entries: Piece[][] = []
  const connection = first === undefined || first.expression ? undefined : /^([\w-]+):/.exec(first.value)?.[1]
  if (connection !== undefined) entries.push([{ code: `connection: '${connection}'`, from: first?.inner }])
  for (const flag of ['internal', 'json']) {
    const value = section.options.get(flag)?.[0]
    if (value !== undefined) entries.push([{ code: `${flag}: ` }, ...optionCode(section, context, flag, value)])
  }
  return entries
}

function patternCode(first: HeaderValue, context: SectionContext): Piece[] {
  if (first.expression) return [...context.verbatim(first.inner)]
  const pattern = first.value.replace(/^[\w-]+:/, '')
  if (pattern === '') return [{ code: 'undefined' }]
  return valueCode({ ...first, value: pattern }, 'text', context.verbatim)
}
