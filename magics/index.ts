/**
 * What the user types: the table of all magics, and what the kernel asks of them.
 *
 * A pure library: no I/O, no kernel. A new magic is one file here and one row in the table.
 */
import { chart } from './chart.ts'
import { connect } from './connect.ts'
import type { ExpandContext, ExpandedCell, MagicDefinition } from './define.ts'
import { desugar } from './desugar.ts'
import { CellExpander } from './expand.ts'
import { filter } from './filter.ts'
import { generate } from './generate.ts'
import { lsmagic } from './lsmagic.ts'
import { map } from './map.ts'
import { param } from './param.ts'
import { pause } from './pause.ts'
import { produce } from './produce.ts'
import { quickref } from './quickref.ts'
import { resume } from './resume.ts'
import { stop } from './stop.ts'
import { streams } from './streams.ts'
import { topic } from './topic.ts'
import { topics } from './topics.ts'
import { types } from './types.ts'
import { who } from './who.ts'
import { window } from './window.ts'

export { API_NAMES } from './api-names.ts'
export type { ExpandContext, ExpandedCell, MagicDefinition, NotebookApi, SpanMapping } from './define.ts'
export { DefaultNames, variableName } from './names.ts'
export { UsageError } from './usage-error.ts'

export const MAGICS: readonly MagicDefinition[] = [
  chart,
  connect,
  desugar,
  filter,
  generate,
  lsmagic,
  map,
  param,
  pause,
  produce,
  quickref,
  resume,
  stop,
  streams,
  topic,
  topics,
  types,
  who,
  window,
]

const expander = new CellExpander(MAGICS)

/** The cell as TypeScript, with positions; equal to the typed text when it holds no magic. Throws `UsageError`. */
export function expandCell(text: string, context: ExpandContext): ExpandedCell {
  return expander.expand(text, context)
}
