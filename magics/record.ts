/** `%record STREAM FILE`: what a stream is told, on disk. */
import { further, optionsObject } from './code.ts'
import { defineMagic, type MagicDefinition, type SectionContext } from './define.ts'
import { valueCode } from './values.ts'

export const record: MagicDefinition = defineMagic({
  name: 'record',
  kind: 'line',
  summary: 'Records what the sources of a stream tell it, with arrival times and changes of params, for %replay.',
  positionals: [
    {
      name: 'STREAM',
      type: 'stream',
      required: true,
      summary: 'A stream; it begins anew, so that a replay gives what it gives.',
    },
    {
      name: 'FILE',
      type: 'path',
      required: false,
      summary: 'File that is written; NAME.rec in a folder can be read by %connect file:FOLDER.',
    },
  ],
  options: [
    { name: 'rows', type: 'integer', summary: 'Full after so many records.', default: '1000000', example: '10000' },
    { name: 'stop', type: 'flag', summary: 'Ends the recording and tells its hash; the stream goes on.' },
  ],
  examples: [
    { text: '%record sensors sensors.rec', says: 'From its beginning on, until --stop or a million records.' },
    { text: '%record sensors --stop', says: 'Ends it: records, bytes and hash are told.' },
  ],
  glossary: 'Flink: a file sink of the source · Kafka Streams: a topic copied · Beam: a snapshot of a source',
  expand: (section, context: SectionContext) => {
    const { pieces } = context.source(section)
    const file = section.positionals[1]
    const stop = section.options.has('stop')
    if (stop && file !== undefined) context.fail('--stop ends a recording, it takes no FILE', file)
    if (stop) return { pieces: [{ code: `await ${context.api('stopRecording')}(` }, ...pieces, { code: ')' }] }
    if (file === undefined) context.fail('%record needs a FILE', section.header, 'sensors.rec')
    return {
      pieces: [
        { code: `await ${context.api('record')}(` },
        ...pieces,
        { code: ', ' },
        ...valueCode(file, 'path', context.verbatim),
        ...further(optionsObject(section, context, { rows: 'rows' })),
        { code: ')' },
      ],
    }
  },
})
