/**
 * A mistake in a magic's header or body: one sentence, the typed line with carets, the nearest name, the one-line usage.
 * The kernel shows it as one error output without a stack (ename `UsageError`).
 */
export class UsageError extends Error {
  /** UTF-16 offsets in the cell's text, half-open. */
  readonly start: number
  readonly end: number
  /** 1-based. */
  readonly line: number
  readonly column: number
  readonly hint: string | undefined
  readonly usage: string | undefined
  /** What to print: message, typed line, carets, hint, usage. */
  readonly lines: readonly string[]

  constructor(message: string, at: UsagePlace) {
    // A parser's message may quote a line break; the sentence stays one line.
    super(withoutSecrets(message.replace(/\s+/g, ' ')))
    this.name = 'UsageError'
    const end = Math.max(at.end, at.start + 1)
    const lineStart = at.cell.lastIndexOf('\n', at.start - 1) + 1
    const newline = at.cell.indexOf('\n', lineStart)
    const typed = withoutSecrets(at.cell.slice(lineStart, newline < 0 ? at.cell.length : newline).replace(/\r$/, ''))
    this.start = at.start
    this.end = end
    this.line = at.cell.slice(0, lineStart).split('\n').length
    this.column = at.start - lineStart + 1
    this.hint = at.hint
    this.usage = at.usage
    const width = Math.max(1, Math.min(end - at.start, typed.length - (at.start - lineStart)))
    // Tabs stay tabs under the line, so that the carets stand below the word in any font.
    const indent = typed.slice(0, at.start - lineStart).replace(/[^\t]/g, ' ')
    this.lines = [
      `UsageError: ${this.message}`,
      `  ${typed}`,
      `  ${indent}${'^'.repeat(width)}`,
      ...(at.hint === undefined ? [] : [`Try: ${at.hint}`]),
      ...(at.usage === undefined ? [] : [`Usage: ${at.usage}`]),
    ]
  }
}

export interface UsagePlace {
  readonly cell: string
  readonly start: number
  readonly end: number
  readonly hint?: string | undefined
  readonly usage?: string | undefined
}

/** `//user:password@host` never reaches an output; the length stays, so that the carets still fit. */
function withoutSecrets(text: string): string {
  return text.replace(/\/\/[^\s/@]+@/g, found => `//${'*'.repeat(found.length - 3)}@`)
}
