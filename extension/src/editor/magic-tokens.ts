/** Where the parts of a magic's line are: its name, options, quoted texts and what is typed plainly. No editor, no DOM. */

export type TokenKind = 'magic' | 'option' | 'value' | 'string' | 'end'

export interface MagicToken {
  readonly from: number
  /** Exclusive. */
  readonly to: number
  readonly kind: TokenKind
}

const LINE = /^(%%?[a-z][\w-]*|[\w$.]+\?\??\s*$)/
const PART = /"[^"]*"?|'[^']*'?|\{[^}]*\}?|--[\w-]+|[^\s"'{=]+|=/g

/** Tokens of one line; none when it is no magic's line. Offsets count from its start. */
export function magicTokens(line: string): MagicToken[] {
  const name = LINE.exec(line)?.[0]
  if (name === undefined || !name.startsWith('%')) return []
  const tokens: MagicToken[] = [{ from: 0, to: name.length, kind: 'magic' }]
  for (const { 0: text, index } of line.slice(name.length).matchAll(PART)) {
    const from = name.length + index
    // A ";" at the end of the line shows nothing; within a word it is part of it.
    const quiet = text.length > 1 && text.endsWith(';') && from + text.length === line.trimEnd().length
    const to = from + text.length - (quiet ? 1 : 0)
    if (text === '=') continue
    tokens.push({ from, to, kind: text === ';' ? 'end' : kindOf(text) })
    if (quiet) tokens.push({ from: to, to: to + 1, kind: 'end' })
  }
  return tokens
}

function kindOf(text: string): TokenKind {
  if (text.startsWith('--') && text.length > 2) return 'option'
  if (/^["']/.test(text)) return 'string'
  return 'value'
}
