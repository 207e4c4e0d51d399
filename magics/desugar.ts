/** `%desugar` above a magic cell: prints the TypeScript it stands for. The work is done by expand.ts. */
import { defineMagic, type MagicDefinition } from './define.ts'

export const desugar: MagicDefinition = defineMagic({
  name: 'desugar',
  kind: 'line',
  summary: 'On top of a cell: prints the TypeScript its magics stand for instead of running it.',
  positionals: [],
  options: [],
  examples: [
    { text: '%desugar\n%%window orders --tumbling 10s --by region', says: 'The same query in the fluent API.' },
  ],
  glossary: 'Flink: EXPLAIN · Kafka Streams: Topology#describe · Beam: no counterpart',
  expand: (section, context) => context.fail('%desugar stands on top of a cell', section.header),
})
