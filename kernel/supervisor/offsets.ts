/** Jupyter counts code points, TypeScript UTF-16 units: an emoji is one there and two here. */
export function toUtf16(text: string, codePoints: number): number {
  let at = 0
  for (let seen = 0; seen < codePoints && at < text.length; seen += 1)
    at += (text.codePointAt(at) as number) > 0xffff ? 2 : 1
  return at
}

export function toCodePoints(text: string, utf16: number): number {
  let count = 0
  const end = Math.min(utf16, text.length)
  for (let at = 0; at < end; at += (text.codePointAt(at) as number) > 0xffff ? 2 : 1) count += 1
  return count
}

/** Line (from 0) and column (from 0, in UTF-16 units) of an offset. */
export function positionOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset)
  const line = before.split('\n').length - 1
  return { line, column: before.length - (before.lastIndexOf('\n') + 1) }
}

export function offsetOf(text: string, line: number, column: number): number {
  let at = 0
  for (let left = line; left > 0; left -= 1) {
    const end = text.indexOf('\n', at)
    if (end < 0) return text.length
    at = end + 1
  }
  return Math.min(text.length, at + column)
}
