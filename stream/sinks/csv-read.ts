/** Lines of CSV to rows: the first line names the columns; quoted values may hold commas, quotes and ends of lines. */
import { StreamError } from '../errors.ts'

export async function* csvRows(lines: AsyncIterable<string>, path: string): AsyncGenerator<Record<string, unknown>> {
  let columns: string[] | undefined
  const row = new OpenRow()
  let number = 0
  for await (const line of lines) {
    number++
    const values = row.add(line)
    if (values === undefined) continue
    if (columns === undefined) columns = values.map(each => each.text)
    else if (values.length > 1 || values[0]!.text !== '' || values[0]!.quoted)
      yield rowOf(columns, values, number, path)
  }
  if (row.open) throw wrong(path, number, 'a quoted value has no end')
}

interface Value {
  readonly text: string
  readonly quoted: boolean
}

/** Takes lines until a row is whole. Each character is looked at once, however many lines a quoted value has. */
class OpenRow {
  #values: Value[] = []
  /** Pieces of the quoted value that has begun. */
  #quoted: string[] | undefined

  get open(): boolean {
    return this.#quoted !== undefined
  }

  /** Undefined: the last value goes on in the next line. */
  add(line: string): Value[] | undefined {
    let at = 0
    if (this.#quoted !== undefined) {
      this.#quoted.push('\n')
      at = this.#rest(line, 0)
      if (at < 0) return undefined
    }
    while (at <= line.length) {
      if (line[at] === '"') {
        this.#quoted = []
        at = this.#rest(line, at + 1)
        if (at < 0) return undefined
        continue
      }
      const comma = line.indexOf(',', at)
      const end = comma < 0 ? line.length : comma
      this.#values.push({ text: line.slice(at, end), quoted: false })
      at = end + 1
    }
    const values = this.#values
    this.#values = []
    return values
  }

  /** Where the next value begins; −1 when the quoted one goes on. A doubled quote stands for one. */
  #rest(line: string, from: number): number {
    for (let at = from; ;) {
      const quote = line.indexOf('"', at)
      if (quote < 0) {
        this.#quoted!.push(line.slice(at))
        return -1
      }
      if (line[quote + 1] === '"') {
        this.#quoted!.push(line.slice(at, quote + 1))
        at = quote + 2
        continue
      }
      this.#quoted!.push(line.slice(at, quote))
      this.#values.push({ text: this.#quoted!.join(''), quoted: true })
      this.#quoted = undefined
      return quote + 2
    }
  }
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
