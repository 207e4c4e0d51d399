/**
 * Whether a console may run what was typed so far. As in IPython: a `%%` section goes on until a blank line, everything else
 * is complete when it parses.
 */
import type { MagicDefinition } from './define.ts'
import { mayHoldMagic, splitCell } from './split.ts'
import { parseTypeScript } from './typescript.ts'

export type Completeness = 'complete' | 'incomplete'

/** Undefined: the text holds no magic, TypeScript's own rule counts. */
export function completeness(text: string, magics: readonly MagicDefinition[]): Completeness | undefined {
  if (!mayHoldMagic(text)) return undefined
  const parts = splitCell(text, name => magics.find(magic => magic.name === name))
  if (parts.every(part => part.kind === 'typescript')) return undefined
  const last = parts.at(-1)
  if (last?.kind === 'typescript')
    return parseTypeScript(last.span.text).error === undefined ? 'complete' : 'incomplete'
  if (last?.kind !== 'cell') return 'complete'
  return /\n[ \t]*\r?\n?$/.test(text) && /\n[ \t]*$/.test(text) ? 'complete' : 'incomplete'
}
