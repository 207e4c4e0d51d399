/** `%stop NAME…`: ends streams, with `--drain` after what they hold was fired. */
import { join } from './code.ts'
import { defineMagic, type MagicDefinition, type Piece, type Section, type SectionContext } from './define.ts'
import { valueCode } from './values.ts'

export const stop: MagicDefinition = controlMagic('stop', 'Ends streams; their charts keep the last frame.', {
  glossary: 'Flink: cancel a job · Kafka Streams: KafkaStreams#close · Beam: cancel',
  one: 'Ends the stream revenue.',
  all: 'Ends every stream of this notebook.',
  drain: 'Ends it with everything it holds: open windows give their rows first.',
})

export function controlMagic(
  name: 'stop' | 'pause' | 'resume',
  summary: string,
  words: { readonly glossary: string; readonly one: string; readonly all: string; readonly drain?: string },
): MagicDefinition {
  return defineMagic({
    name,
    kind: 'line',
    summary,
    positionals: [
      {
        name: 'NAME',
        type: 'stream',
        required: false,
        repeated: true,
        summary: 'Names of streams, as %streams lists them.',
      },
    ],
    options: [
      { name: 'all', type: 'flag', summary: 'All streams.' },
      ...(words.drain === undefined
        ? []
        : [
            {
              name: 'drain',
              type: 'flag',
              summary: 'First fires open windows, joins and patterns, as at the end of the input.',
            } as const,
          ]),
    ],
    examples: [
      { text: `%${name} revenue`, says: words.one },
      { text: `%${name} --all`, says: words.all },
      ...(words.drain === undefined ? [] : [{ text: `%${name} revenue --drain`, says: words.drain }]),
    ],
    glossary: words.glossary,
    expand: (section, context: SectionContext) => {
      const all = section.options.get('all')?.[0]
      if (all === undefined && section.positionals.length === 0)
        context.fail(`%${name} names no stream`, section.header, `%${name} --all`)
      if (all !== undefined && section.positionals.length > 0)
        context.fail(`%${name} has names and --all, one of them is meant`, all)
      return {
        pieces: [
          { code: `await notebook.control('${section.options.has('drain') ? 'drain' : name}', [` },
          ...names(section, context),
          { code: `], { all: ${all !== undefined} })` },
        ],
      }
    },
  })
}

function names(section: Section, context: SectionContext): Piece[] {
  return join(
    section.positionals.map(value => {
      if (value.expression && value.inner.text.startsWith('('))
        context.fail('A stream is meant by its name here', value, 'revenue')
      return valueCode(value, 'stream', context.verbatim)
    }),
    ', ',
  )
}
