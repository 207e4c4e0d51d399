/** Lines of CSV to rows: the first line names the columns; quoted values may hold commas, quotes and ends of lines. */
import { StreamError } from '../errors.ts'

export async function* csvRows(lines: AsyncIterable<string>, path: string): AsyncGenerator<Record<string, unknown>> {
  let columns: string[] | undefined
  let open = ''
  let number = 0
  for await (const line of lines) {
    number++
    const text = open === '' ? line : `${open}\n${line}`
    const values = split(text)
    if (values === undefined) {
      open = text
      continue
    }
    open = ''
    if (columns === undefined) columns = values.map(each => each.text)
    else if (text !== '') yield rowOf(columns, values, number, path)
  }
  if (open !== '') throw wrong(path, number, 'a quoted value has no end')
}

interface Value {
  readonly text: string
  readonly quoted: boolean
}

/** Undefined: the last value goes on in the next line. */
function split(text: string): Value[] | undefined {
  const values: Value[] = []
  for (let at = 0; at <= text.length;) {
    if (text[at] !== '"') {
      const comma = text.indexOf(',', at)
      const end = comma < 0 ? text.length : comma
      values.push({ text: text.slice(at, end), quoted: false })
      at = end + 1
      continue
    }
    const { value, end } = quotedAt(text, at)
    if (end < 0) return undefined
    values.push({ text: value, quoted: true })
    at = end + 1
  }
  return values
}

function quotedAt(text: string, start: number): { value: string; end: number } {
  let value = ''
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] !== '"') value += text[at]
    else if (text[at + 1] === '"') {
      value += '"'
      at++
    } else return { value, end: at + 1 }
  }
  return { value, end: -1 }
}

function rowOf(columns: readonly string[], values: readonly Value[], number: number, path: string) {
  if (values.length !== columns.length)
    throw wrong(path, number, `it has ${values.length} values, the first line names ${columns.length} columns`)
  return Object.fromEntries(columns.map((name, i) => [name, valueOf(values[i]!)]))
}

function valueOf({ text, quoted }: Value): unknown {
  if (quoted) return text
  if (text === '') return null
  if (text === 'true' || text === 'false') return text === 'true'
  // Numbers that would not come back as they were stay text: 007, long identifiers.
  return /^-?\d/.test(text) && String(Number(text)) === text ? Number(text) : text
}

function wrong(path: string, number: number, why: string): StreamError {
  return new StreamError({
    code: 'VALUE_UNDECODABLE',
    message: `Cannot read line ${number} of file "${path}": ${why}`,
  })
}
