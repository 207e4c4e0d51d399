/**
 * What the user types: the table of all magics, and what the kernel asks of them.
 *
 * A pure library: no I/O, no kernel. A new magic is one file here and one row in the table.
 */
import { bash } from './bash.ts'
import { cd } from './cd.ts'
import { cep } from './cep.ts'
import { chart } from './chart.ts'
import { checkpoint } from './checkpoint.ts'
import { MagicCompleter, type Completion, type MagicHover } from './complete.ts'
import { completeness, type Completeness } from './completeness.ts'
import { connect } from './connect.ts'
import type { ExpandContext, ExpandedCell, MagicDefinition } from './define.ts'
import { desugar } from './desugar.ts'
import { env } from './env.ts'
import { CellExpander } from './expand.ts'
import { exportMagic } from './export.ts'
import { filter } from './filter.ts'
import { generate } from './generate.ts'
import { groups } from './groups.ts'
import { helpPage, magicList, quickReference, type HelpPage } from './help.ts'
import { history } from './history.ts'
import { html } from './html.ts'
import { install } from './install.ts'
import { join } from './join.ts'
import { lsmagic as lsmagicMagic } from './lsmagic.ts'
import { map } from './map.ts'
import { markdown } from './markdown.ts'
import { nab } from './nab.ts'
import { param } from './param.ts'
import { pause } from './pause.ts'
import { produce } from './produce.ts'
import { quickref as quickrefMagic } from './quickref.ts'
import { reset } from './reset.ts'
import { record } from './record.ts'
import { replay } from './replay.ts'
import { resume } from './resume.ts'
import { run } from './run.ts'
import { mayHoldMagic } from './split.ts'
import { program, type ProgramText } from './program.ts'
import { schema } from './schema.ts'
import { score } from './score.ts'
import { sink } from './sink.ts'
import { stop } from './stop.ts'
import { streams } from './streams.ts'
import { time } from './time.ts'
import { timeit } from './timeit.ts'
import { train } from './train.ts'
import { topic } from './topic.ts'
import { topics } from './topics.ts'
import { types } from './types.ts'
import { who } from './who.ts'
import { window } from './window.ts'
import { writefile } from './writefile.ts'

export { API_NAMES } from './api-names.ts'
export type { Completion, CompletionMatch, MagicHover } from './complete.ts'
export type { Completeness } from './completeness.ts'
export type { ExpandContext, ExpandedCell, MagicDefinition, NotebookApi, SpanMapping } from './define.ts'
export type { HelpPage } from './help.ts'
export { DefaultNames, variableName } from './names.ts'
export type { ProgramText } from './program.ts'
export { UsageError } from './usage-error.ts'

export const MAGICS: readonly MagicDefinition[] = [
  bash,
  cd,
  cep,
  chart,
  checkpoint,
  connect,
  desugar,
  env,
  exportMagic,
  filter,
  generate,
  groups,
  history,
  html,
  install,
  join,
  lsmagicMagic,
  map,
  markdown,
  nab,
  train,
  record,
  replay,
  param,
  pause,
  produce,
  quickrefMagic,
  reset,
  resume,
  run,
  schema,
  score,
  sink,
  stop,
  streams,
  time,
  timeit,
  topic,
  topics,
  types,
  who,
  window,
  writefile,
]

const expander = new CellExpander(MAGICS)

/**
 * The cell as TypeScript over the fluent API. Called by the kernel before a cell is checked and run.
 *
 * `spans` say where pieces of the source were typed (UTF-16 offsets, in order, not overlapping); absent when the cell holds no
 * magic and the source is the typed text. Time grows with the length of the cell.
 *
 * @throws UsageError with the typed line, carets, the nearest name and the usage
 * @example
 * ```ts
 * expandCell('%topic orders', context).source // const orders = await riffle.topic('orders')⏎orders
 * ```
 */
export function expandCell(text: string, context: ExpandContext): ExpandedCell {
  return expander.expand(text, context)
}

/** The code cells of a notebook as one TypeScript program over `riffle-kernel`. Throws UsageError as `expandCell` does. */
export function programOf(cells: readonly ProgramText[]): string {
  return program(cells, (text, context) => expander.program(text, context))
}

/** Cheap and sometimes wrongly true: a cell for which it is false holds no magic. */
export function hasMagic(text: string): boolean {
  return mayHoldMagic(text)
}

const completer = new MagicCompleter(MAGICS)

/** Names, options and values at a cursor inside a magic's header; undefined where TypeScript stands. */
export function completeMagic(
  text: string,
  cursor: number,
  context: Pick<ExpandContext, 'streams' | 'topics' | 'names'>,
): Completion | undefined {
  return completer.complete(text, cursor, context)
}

/** Help of the magic or option under the cursor; undefined where TypeScript stands. */
export function hoverMagic(text: string, cursor: number): MagicHover | undefined {
  return completer.hover(text, cursor)
}

/** For `is_complete_request`; undefined when the text holds no magic. */
export function isMagicCellComplete(text: string): Completeness | undefined {
  return completeness(text, MAGICS)
}

/** Help of a magic, with or without percent signs; undefined when there is none of that name. */
export function helpFor(name: string): HelpPage | undefined {
  const magic = MAGICS.find(candidate => candidate.name === name.replace(/^%+/, ''))
  return magic === undefined ? undefined : helpPage(magic)
}

export function lsmagic(): HelpPage {
  return magicList(MAGICS)
}

export function quickref(): HelpPage {
  return quickReference(MAGICS)
}
