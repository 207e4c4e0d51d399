/** `%schema ACTION SUBJECT`: the registry from the notebook. */
import { further, objectOf, optionCode } from './code.ts'
import {
  defineMagic,
  type HeaderValue,
  type MagicDefinition,
  type Piece,
  type Section,
  type SectionContext,
} from './define.ts'
import { positive } from './topic.ts'
import { valueCode } from './values.ts'

/** What each action needs and takes beside SUBJECT. */
const ACTIONS: Readonly<Record<string, { readonly needs: readonly string[]; readonly takes: readonly string[] }>> = {
  list: { needs: [], takes: [] },
  show: { needs: ['SUBJECT'], takes: ['version'] },
  diff: { needs: ['SUBJECT'], takes: ['version', 'file'] },
  check: { needs: ['SUBJECT', 'file'], takes: ['file', 'compatibility'] },
  register: { needs: ['SUBJECT', 'file'], takes: ['file', 'compatibility'] },
  delete: { needs: ['SUBJECT'], takes: [] },
}

const MODES = [
  'NONE', 'BACKWARD', 'BACKWARD_TRANSITIVE', 'FORWARD', 'FORWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE',
] // prettier-ignore

export const schema: MagicDefinition = defineMagic({
  name: 'schema',
  kind: 'line',
  summary: 'Lists, shows, compares, checks, registers and deletes schemas; says of each incompatibility why, by field.',
  positionals: [
    {
      name: 'list|show|diff|check|register|delete',
      type: 'text',
      required: true,
      suggestions: Object.keys(ACTIONS),
      summary: 'What to do.',
    },
    {
      name: 'SUBJECT',
      type: 'text',
      required: false,
      summary: 'TOPIC-value or TOPIC-key, CONNECTION: before it; with list a part of the name.',
    },
  ],
  options: [
    {
      name: 'version',
      type: 'integer',
      summary: 'With show: this version, not the newest. With diff: compare with it.',
      example: '1',
      check: positive,
    },
    {
      name: 'compatibility',
      type: 'choice',
      choices: MODES,
      summary: "With check: ask by this mode. With register: it becomes the subject's.",
    },
    { name: 'file', type: 'path', summary: 'File with the schema as JSON.', example: 'order.avsc' },
  ],
  examples: [
    { text: '%schema list', says: 'All subjects with their versions.' },
    { text: '%schema show orders-value', says: 'The newest schema, and the type of its rows.' },
    { text: '%schema check orders-value --file order.avsc', says: 'Why this schema may not follow, field by field.' },
    { text: '%schema register orders-value --file order.avsc --compatibility FULL', says: 'A new version.' },
    { text: '%schema diff orders-value --version 1', says: 'What changed since version 1.' },
  ],
  glossary:
    'Flink: avro-confluent format · Kafka: Schema Registry REST API · Beam: ConfluentSchemaRegistryDeserializerProvider',
  expand: (section, context: SectionContext) => {
    const [action, subject] = section.positionals
    if (action === undefined) context.fail('%schema needs an action', section.header, '%schema list')
    const rules = Object.hasOwn(ACTIONS, action.value) && !action.expression ? ACTIONS[action.value] : undefined
    if (rules === undefined) {
      context.fail(
        `%schema ${action.value} is no action, it is one of ${Object.keys(ACTIONS).join(', ')}`,
        action,
        '%schema list',
      )
    }
    for (const [option, [value]] of section.options) {
      if (value !== undefined && !rules.takes.includes(option))
        context.fail(`--${option} means nothing for %schema ${action.value}`, value)
    }
    if (subject === undefined && rules.needs.includes('SUBJECT'))
      context.fail(`%schema ${action.value} needs a SUBJECT`, action, `%schema ${action.value} orders-value`)
    const file = section.options.get('file')?.[0]
    if (file === undefined && rules.needs.includes('file'))
      context.fail(
        `%schema ${action.value} needs --file`,
        action,
        `%schema ${action.value} orders-value --file order.avsc`,
      )
    return {
      pieces: [
        { code: `await ${context.api('schemas')}.${action.value}(`, from: action },
        ...join(argumentsOf(section, context, action.value, subject, file)),
        { code: ')' },
      ],
    }
  },
})

function argumentsOf(
  section: Section,
  context: SectionContext,
  action: string,
  subject: HeaderValue | undefined,
  file: HeaderValue | undefined,
): readonly (readonly Piece[])[] {
  const given: (readonly Piece[])[] = subject === undefined ? [] : [valueCode(subject, 'text', context.verbatim)]
  const source: Piece[] =
    file === undefined ? [] : [{ code: '{ file: ' }, ...valueCode(file, 'path', context.verbatim), { code: ' }' }]
  const settings: Piece[][] = []
  for (const option of ['version', 'compatibility']) {
    const value = section.options.get(option)?.[0]
    if (value !== undefined) settings.push([{ code: `${option}: ` }, ...optionCode(section, context, option, value)])
  }
  if (source.length > 0 && action === 'diff') settings.push([{ code: 'schema: ' }, ...source])
  else if (source.length > 0) given.push(source)
  if (settings.length > 0) given.push(objectOf(settings))
  return given
}

function join(given: readonly (readonly Piece[])[]): Piece[] {
  return given.flatMap((pieces, i) => (i === 0 ? [...pieces] : further(pieces)))
}
