/**
 * A cell's text in parts: TypeScript, line magics, sections, help lines.
 *
 * A magic stands where a statement may start when all above it in the cell parses as whole statements; so `a\n%b` inside an
 * open bracket, a template or a comment stays TypeScript. Inside a section `%%name` begins the next one (`%%` is never
 * TypeScript outside a template or comment), and a line magic ends it when the body above is whole.
 */
import type { MagicDefinition, Span } from './define.ts'
import { jsonFault } from './json.ts'
import { endsInLiteral } from './scan.ts'
import { parseExpression, parseProperties, parseTypeScript } from './typescript.ts'

export type Part =
  | { readonly kind: 'typescript'; readonly span: Span }
  | MagicPart
  | { readonly kind: 'help'; readonly span: Span; readonly percent: string; readonly name: string }

export interface MagicPart {
  readonly kind: 'line' | 'cell'
  /** `%name` or `%%name` as typed. */
  readonly nameSpan: Span
  readonly name: string
  /** The rest of the line. */
  readonly rest: Span
  /** Whole header line. */
  readonly header: Span
  /** Lines below a `%%` line; may be blank. */
  readonly body: Span | undefined
}

const MAGIC_LINE = /^([ \t]*)(%%?)([A-Za-z_][\w-]*)?(.*)$/
const HELP_LINE = /^([ \t]*)((%{0,2})([A-Za-z_$][\w$]*(?:\.[\w$]+)*)\?\??)[ \t]*$/

/** False for most cells: they hold nothing that could be a magic and need no parser. */
export function mayHoldMagic(text: string): boolean {
  return /^[ \t]*(?:%|[\w$.]+\?\??[ \t]*\r?$)/m.test(text)
}

export function splitCell(text: string, lookup: (name: string) => MagicDefinition | undefined, from = 0): Part[] {
  const parts: Part[] = []
  let regionStart = from
  let section: { header: Omit<MagicPart, 'body'>; bodyStart: number } | undefined

  // Lines of a long template need not be parsed one by one: it ends at the next backtick or comment end at the earliest.
  let literalUntil = 0

  const closeRegion = (end: number): void => {
    if (section !== undefined) {
      parts.push({ ...section.header, body: spanOf(text, Math.min(section.bodyStart, end), end) })
      section = undefined
    } else if (end > regionStart) parts.push({ kind: 'typescript', span: spanOf(text, regionStart, end) })
  }

  for (const { start, end, next } of linesOf(text, from)) {
    const line = text.slice(start, end)
    const help = HELP_LINE.exec(line)
    const magic = help === null ? MAGIC_LINE.exec(line) : null
    if (help === null && magic === null) continue
    const above = text.slice(section?.bodyStart ?? regionStart, start)
    const percent = help?.[3] ?? magic?.[2] ?? ''
    if (section !== undefined) {
      if (percent === '' || !sectionEnds(above, percent === '%%' && help === null)) continue
    } else {
      if (start < literalUntil) continue
      if (!isWhole(above)) {
        if (endsInLiteral(above)) literalUntil = literalEnd(text, start)
        continue
      }
      if (percent === '' && isWhole(text.slice(regionStart, endOfTypeScript(text, next))) && next < text.length)
        continue
    }
    // `% b` goes on with the expression above; `%%` alone is a magic without a name.
    if (magic !== null && magic[3] === undefined && percent === '%') continue
    closeRegion(start)
    regionStart = next
    if (help !== null) {
      const at = start + (help[1] as string).length
      parts.push({
        kind: 'help',
        span: spanOf(text, at, at + (help[2] as string).length),
        percent,
        name: help[4] as string,
      })
      continue
    }
    const nameStart = start + (magic?.[1] ?? '').length
    const nameEnd = nameStart + percent.length + (magic?.[3] ?? '').length
    const header = {
      kind: percent === '%%' ? ('cell' as const) : ('line' as const),
      name: magic?.[3] ?? '',
      nameSpan: spanOf(text, nameStart, nameEnd),
      rest: spanOf(text, nameEnd, end),
      header: spanOf(text, nameStart, end),
    }
    if (header.kind === 'line') {
      parts.push({ ...header, body: undefined })
      continue
    }
    section = { header, bodyStart: next }
    if (lookup(header.name)?.plainBody === true) break
  }
  closeRegion(text.length)
  return parts
}

export function spanOf(text: string, start: number, end: number): Span {
  return { start, end, text: text.slice(start, end) }
}

function literalEnd(text: string, from: number): number {
  const found = /`|\*\//.exec(text.slice(from))
  return found === null ? text.length : from + found.index
}

function isWhole(text: string): boolean {
  return text.trim() === '' || parseTypeScript(text).error === undefined
}

function sectionEnds(body: string, bySection: boolean): boolean {
  if (bySection) return !endsInLiteral(body)
  if (body.trim() === '') return true
  const parses = [parseExpression, parseProperties, parseTypeScript].some(parse => parse(body).error === undefined)
  return parses || body.split('\n').every(line => line.trim() === '' || jsonFault(line) === undefined)
}

/** Where TypeScript that starts at `from` ends at the latest: before the next line that begins with a percent sign. */
function endOfTypeScript(text: string, from: number): number {
  const found = /^[ \t]*%/m.exec(text.slice(from))
  return found === null ? text.length : from + found.index
}

function* linesOf(text: string, from: number): Generator<{ start: number; end: number; next: number }> {
  let start = from
  while (start <= text.length) {
    const newline = text.indexOf('\n', start)
    const next = newline < 0 ? text.length + 1 : newline + 1
    const last = newline < 0 ? text.length : newline
    yield { start, end: text[last - 1] === '\r' && last > start ? last - 1 : last, next: Math.min(next, text.length) }
    if (newline < 0) return
    start = next
  }
}
