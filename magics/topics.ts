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

const ACTIONS = ['create', 'delete', 'describe']

export const topics: MagicDefinition = defineMagic({
  name: 'topics',
  kind: 'line',
  summary: 'Lists topics with partitions, records, rate and size; creates, deletes or describes one.',
  positionals: [
    {
      name: 'PATTERN|create|delete|describe',
      type: 'text',
      required: false,
      suggestions: ['create', 'delete', 'describe'],
      summary:
        'Topics whose name holds this text (* stands for anything; CONNECTION: before it picks a connection), or an action.',
    },
    { name: 'NAME', type: 'topic', required: false, summary: 'The topic of the action.' },
  ],
  options: [
    {
      name: 'partitions',
      type: 'integer',
      summary: 'With create: how many partitions.',
      default: '3',
      example: '3',
      check: positive,
    },
    { name: 'internal', type: 'flag', summary: 'Lists internal topics too.' },
    { name: 'json', type: 'flag', summary: 'Lists as JSON.' },
  ],
  examples: [
    { text: '%topics', says: 'All topics.' },
    { text: '%topics order*', says: 'Topics whose name begins with order.' },
    { text: '%topics create refunds --partitions 6', says: 'A new topic.' },
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
    refuse(section, context, ['partitions'], 'the list of topics')
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

function act(section: Section, context: SectionContext, action: HeaderValue, name: HeaderValue | undefined): Expansion {
  if (name === undefined) context.fail(`%topics ${action.value} needs a NAME`, action, `%topics ${action.value} orders`)
  refuse(
    section,
    context,
    action.value === 'create' ? ['internal', 'json'] : ['partitions', 'internal', 'json'],
    `%topics ${action.value}`,
  )
  const topic = valueCode(name, 'topic', context.verbatim)
  if (action.value === 'describe')
    return { pieces: [{ code: 'await notebook.describeTopic(' }, ...topic, { code: ')' }] }
  const method = context.api(action.value === 'create' ? 'createTopic' : 'deleteTopic')
  const settings = optionsObject(section, context, { partitions: 'partitions' })
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
