/** `%export`: what this session ran as one TypeScript program, as `riffle export` writes it from a notebook file. */
import { defineMagic, type MagicDefinition } from './define.ts'

export const exportMagic: MagicDefinition = defineMagic({
  name: 'export',
  kind: 'line',
  summary: 'Shows the cells that ran as one TypeScript program over the library riffle-kernel.',
  positionals: [],
  options: [],
  examples: [
    {
      text: '%export',
      says: 'Each cell as it ran last, in the order of the first runs; cells that failed are left out.',
    },
  ],
  glossary:
    'Flink: a compiled plan (COMPILE PLAN) · Kafka Streams: the application itself · Beam: a pipeline written as a program',
  expand: () => ({ pieces: [{ code: 'await notebook.export()' }] }),
})
