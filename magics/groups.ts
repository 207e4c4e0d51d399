/** `%groups [NAME]`: consumer groups of a cluster, and how far they have come. */
import { defineMagic, type MagicDefinition, type SectionContext } from './define.ts'
import { valueCode } from './values.ts'

export const groups: MagicDefinition = defineMagic({
  name: 'groups',
  kind: 'line',
  summary: 'Lists consumer groups with members and lag; with a name the lag of each partition.',
  positionals: [
    {
      name: 'NAME',
      type: 'text',
      required: false,
      summary: 'A group; CONNECTION: alone lists those of a connection, CONNECTION:NAME names one of it.',
    },
  ],
  options: [{ name: 'json', type: 'flag', summary: 'Prints them as JSON.' }],
  examples: [
    { text: '%groups', says: 'All groups.' },
    { text: '%groups prod:billing', says: 'How far the group billing of the connection prod has read.' },
  ],
  glossary:
    'Flink: no counterpart, offsets are in checkpoints · Kafka: kafka-consumer-groups.sh · Beam: no counterpart',
  expand: (section, context: SectionContext) => {
    const name = section.positionals[0]
    const call = [
      { code: `await ${context.api('groups')}(` },
      ...(name === undefined ? [] : valueCode(name, 'text', context.verbatim)),
      { code: ')' },
    ]
    if (!section.options.has('json')) return { pieces: call }
    const plain = "(_name, value) => (typeof value === 'bigint' ? Number(value) : value)"
    return { pieces: [{ code: 'console.log(JSON.stringify(' }, ...call, { code: `, ${plain}, 2))` }] }
  },
})
