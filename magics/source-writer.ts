/**
 * Puts pieces together and remembers where each came from.
 *
 * Generated statements carry no semicolon (a `;` at the end of a cell means "show nothing"); one is put between two statements
 * only where the second would otherwise go on with the first.
 */
import type { Piece, Span, SpanMapping } from './define.ts'

export class SourceWriter {
  private source = ''
  private readonly spans: SpanMapping[] = []
  /** The statement before was generated, its end is known. */
  private open = false

  typescript(span: Span): void {
    if (span.text.trim() === '') return
    this.separate(span.text)
    this.add({ verbatim: span })
    this.open = true
  }

  statement(pieces: readonly Piece[]): void {
    this.separate(textOf(pieces))
    for (const piece of pieces) this.add(piece)
    this.open = true
  }

  /** What the cell shows: an expression on a line of its own. */
  shown(pieces: readonly Piece[]): void {
    this.statement(pieces)
  }

  finish(): { source: string; spans: readonly SpanMapping[] } {
    return { source: this.source, spans: this.spans }
  }

  private separate(next: string): void {
    if (!this.open) return
    const first = next.replace(/^(?:\s|\/\/[^\n]*\n|\/\*[^]*?\*\/)+/, '')
    if (/^[([`+\-/*<,.]/.test(first)) this.source += this.source.endsWith('\n') ? ';' : '\n;'
    else if (!this.source.endsWith('\n')) this.source += '\n'
  }

  private add(piece: Piece): void {
    const span = 'verbatim' in piece ? piece.verbatim : piece.from
    const code = 'verbatim' in piece ? piece.verbatim.text : piece.code
    if (span !== undefined && code.length > 0) {
      const verbatim = 'verbatim' in piece
      this.spans.push({
        at: this.source.length,
        length: code.length,
        typedAt: span.start,
        typedLength: span.end - span.start,
        verbatim,
      })
    }
    this.source += code
  }
}

function textOf(pieces: readonly Piece[]): string {
  return pieces.map(piece => ('verbatim' in piece ? piece.verbatim.text : piece.code)).join('')
}
