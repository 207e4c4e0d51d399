/** `%checkpoint EVERY`: streams that go on where they were after the engine or the kernel was started again. */
import { further, objectOf, optionCode } from './code.ts'
import { defineMagic, type MagicDefinition, type Piece, type SectionContext } from './define.ts'
import { quote, wrongValue } from './values.ts'

export const checkpoint: MagicDefinition = defineMagic({
  name: 'checkpoint',
  kind: 'line',
  summary:
    'Keeps the named streams on disk, so that a new engine or kernel goes on where they were; alone it tells what is kept.',
  positionals: [
    {
      name: 'EVERY',
      type: 'text',
      required: false,
      summary: 'Time between checkpoints, or off. The save of the notebook and the end of the kernel make one too.',
      suggestions: ['10s', '1m', 'off'],
    },
  ],
  options: [
    {
      name: 'folder',
      type: 'path',
      summary: 'Where they lie.',
      default: '.riffle-checkpoints beside the notebook',
      example: '/var/lib/riffle',
    },
  ],
  examples: [
    {
      text: '%checkpoint 10s',
      says: 'On top of a notebook: after a restart and Run All each stream goes on from its state and its positions.',
    },
    { text: '%checkpoint', says: 'What is kept: folder, size and time of each stream.' },
    { text: '%checkpoint off', says: 'Keeps nothing more; what lies in the folder stays.' },
  ],
  glossary: 'Flink: checkpoint, savepoint · Kafka Streams: changelog topics, state.dir · Beam: runner snapshots',
  expand: (section, context: SectionContext) => {
    const every = section.positionals[0]
    const folder = section.options.get('folder')?.[0]
    if (every === undefined && folder !== undefined)
      context.fail('%checkpoint has a folder but no time between checkpoints', folder, '%checkpoint 10s --folder DIR')
    const args: Piece[] = []
    if (every !== undefined) {
      const problem = every.value === 'off' ? undefined : wrongValue(every, { type: 'duration' })
      if (problem !== undefined) context.fail(`EVERY is a duration or off: ${problem}`, every, '%checkpoint 10s')
      args.push(
        ...(every.expression ? context.verbatim(every.inner) : [{ code: quote(every.value), from: every.inner }]),
      )
    }
    if (folder !== undefined)
      args.push(...further(objectOf([[{ code: 'folder: ' }, ...optionCode(section, context, 'folder', folder)]])))
    return { pieces: [{ code: `display(await ${context.api('checkpoint')}(` }, ...args, { code: '))' }] }
  },
})
