/** `%streams`: the running streams with their rates. */
import { objectOf } from './code.ts'
import { defineMagic, type MagicDefinition } from './define.ts'

export const streams: MagicDefinition = defineMagic({
  name: 'streams',
  kind: 'line',
  summary: 'Lists the running streams with rate, lag, watermark, late, dropped and state bytes.',
  positionals: [],
  options: [{ name: 'graph', type: 'flag', summary: 'Shows which stream reads which.' }],
  examples: [
    { text: '%streams', says: 'All streams of this notebook.' },
    { text: '%streams --graph', says: 'The same as a graph from topics to charts.' },
  ],
  glossary: 'Flink: job list of the dashboard · Kafka Streams: Topology#describe and metrics · Beam: runner monitoring',
  expand: section => ({
    pieces: [
      { code: 'await notebook.streams(' },
      ...(section.options.has('graph') ? objectOf([[{ code: 'graph: true' }]]) : [{ code: '{}' }]),
      { code: ')' },
    ],
  }),
})
