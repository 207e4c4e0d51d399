/** `%replay FILE`: a recorded source as a stream. */
import { further, optionsObject } from './code.ts'
import { defineMagic, type MagicDefinition, type SectionContext } from './define.ts'
import { variableName } from './names.ts'
import { valueCode } from './values.ts'

export const replay: MagicDefinition = defineMagic({
  name: 'replay',
  kind: 'line',
  summary:
    'Replays a recording as a stream; what reads a stream of that name begins anew on it and gives what it gave live.',
  positionals: [{ name: 'FILE', type: 'path', required: true, summary: 'A file that %record has written.' }],
  options: [
    {
      name: 'speed',
      type: 'text',
      summary: 'By the time between arrivals (1x, 10x, 0.5x), or max: as fast as it goes.',
      default: '1x',
      example: '10x|max',
      check: text => (/^(?:max|\d+(?:\.\d+)?x)$/.test(text) ? undefined : 'it is max or a factor like 1x, 10x, 0.5x'),
    },
    { name: 'loop', type: 'flag', summary: 'Begins again at the end, for ever.' },
    { name: 'as', type: 'name', summary: 'Name of the stream.', default: 'the name of the file', example: 'sensors' },
  ],
  examples: [
    { text: '%replay sensors.rec --speed 10x', says: 'As the stream sensors; windows and charts of it follow.' },
    { text: '%replay runs/monday.rec --speed max --as monday', says: 'Beside the live one, at once.' },
  ],
  glossary: 'Flink: a bounded source · Kafka Streams: a reset of the application · Beam: TestStream',
  expand: (section, context: SectionContext) => {
    const file = section.positionals[0]
    if (file === undefined) context.fail('%replay needs a FILE', section.header, 'sensors.rec')
    const as = section.options.get('as')?.[0]
    if (as === undefined && file.expression)
      context.fail('A file given by an expression needs a name', file, '--as sensors')
    const base = file.value
      .split(/[/\\]/)
      .at(-1)!
      .replace(/\.[^.]*$/, '')
    const name = as?.value ?? variableName(base === '' ? 'replayed' : base)
    return {
      pieces: [
        { code: 'const ' },
        { code: name, from: (as ?? file).inner },
        { code: ` = await ${context.api('replay')}(` },
        ...valueCode(file, 'path', context.verbatim),
        ...further(optionsObject(section, context, { speed: 'speed', loop: 'loop' })),
        { code: ')' },
      ],
      makes: name,
    }
  },
})
