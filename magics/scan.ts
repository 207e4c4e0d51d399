/**
 * Just enough of TypeScript's lexer to find the end of a bracket and to know whether a place lies inside a string, template or
 * comment. Works on broken text too, where a parser gives up.
 */

/** Offset of the bracket that closes the one at `open`, or −1. */
export function matchBracket(text: string, open: number): number {
  const result = walk(text, open, true)
  return result.closedAt
}

/** Whether the end of `text` lies inside a template or a block comment (the two that span lines). */
export function endsInLiteral(text: string): boolean {
  return walk(text, 0, false).inLiteral
}

function walk(text: string, from: number, untilClosed: boolean): { closedAt: number; inLiteral: boolean } {
  const open: string[] = []
  let at = from
  // What stood last decides whether a slash divides or begins a regular expression.
  let before = ''
  while (at < text.length) {
    const char = text[at] as string
    if (char === "'" || char === '"') at = endOfString(text, at)
    else if (char === '/' && text[at + 1] === '/') at = endOfLine(text, at)
    else if (char === '/' && text[at + 1] === '*') {
      const end = text.indexOf('*/', at + 2)
      if (end < 0) return { closedAt: -1, inLiteral: true }
      at = end + 2
      continue
    } else if (char === '/' && regexMayStand(before)) at = endOfRegex(text, at)
    else if (char === '`' || (char === '}' && open.at(-1) === '${')) {
      if (char === '}') open.pop()
      const end = endOfTemplatePart(text, at + 1)
      if (end < 0) return { closedAt: -1, inLiteral: true }
      if (text[end - 1] === '{') open.push('${')
      at = end
      before = ')'
      continue
    } else {
      if (char === '(' || char === '[' || char === '{') open.push(char)
      else if (char === ')' || char === ']' || char === '}') {
        if (open.pop() !== partner[char]) return { closedAt: -1, inLiteral: false }
        if (untilClosed && open.length === 0) return { closedAt: at, inLiteral: false }
      }
      at++
      if (!/\s/.test(char)) before = (before + char).slice(-12)
      else if (before !== '' && !before.endsWith(' ')) before += ' '
      continue
    }
    before = ')'
  }
  return { closedAt: -1, inLiteral: open.includes('${') }
}

const partner: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' }

function regexMayStand(before: string): boolean {
  const text = before.trimEnd()
  return (
    text === '' || /(?:[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|delete|void|new|await|yield))$/.test(text)
  )
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end < 0 ? text.length : end
}

/** A string does not span lines: an unclosed one ends with its line. */
function endOfString(text: string, at: number): number {
  const quote = text[at]
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === quote) return i + 1
    else if (text[i] === '\n') return i
  }
  return text.length
}

function endOfRegex(text: string, at: number): number {
  let inClass = false
  for (let i = at + 1; i < text.length; i++) {
    const char = text[i]
    if (char === '\\') i++
    else if (char === '\n') return at + 1
    else if (char === '[') inClass = true
    else if (char === ']') inClass = false
    else if (char === '/' && !inClass) return i + 1
  }
  return at + 1
}

/** End of a template's text: behind its closing backtick or behind `${`; −1 when it is not closed. */
function endOfTemplatePart(text: string, at: number): number {
  for (let i = at; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '`') return i + 1
    else if (text[i] === '$' && text[i + 1] === '{') return i + 2
  }
  return -1
}
