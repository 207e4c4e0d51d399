/** `.chart()` outside Jupyter: the newest rows as a text table at the end of the stream (rules.md 25). */
import type { RowSource } from './runtime.ts'

const SHOWN_ROWS = 20
const WIDEST = 24

/** Reads to the end and prints; a stream that fails prints what came before and why it failed. */
export async function printTableAtEnd(source: RowSource, title: string, print: (text: string) => void): Promise<void> {
  const rows = new Set<unknown>()
  let count = 0
  let failure = ''
  try {
    for (let chunk = await source.next(); chunk !== null; chunk = await source.next()) {
      chunk.rows.forEach((row, i) => {
        // A retracted row is the very object that was sent.
        if (chunk.weights?.[i] === -1) count -= rows.delete(row) ? 1 : 0
        else {
          rows.add(row)
          count++
        }
      })
      for (const row of rows) {
        if (rows.size <= SHOWN_ROWS) break
        rows.delete(row)
      }
    }
  } catch (error) {
    failure = `\n${error instanceof Error ? error.message : String(error)}`
  }
  await source.close()
  print(`${title}: ${count} ${count === 1 ? 'row' : 'rows'}\n${textTable([...rows])}${failure}`)
}

/** Header and rows in columns; numbers to the right. */
export function textTable(rows: readonly unknown[]): string {
  const names = [
    ...new Set(rows.flatMap(row => (row !== null && typeof row === 'object' ? Object.keys(row) : ['value']))),
  ]
  const cells = rows.map(row =>
    names.map(name => (row !== null && typeof row === 'object' ? Reflect.get(row, name) : row) as unknown),
  )
  const texts = [names, ...cells.map(line => line.map(cellText))]
  const widths = names.map((_, c) => Math.max(...texts.map(line => line[c]?.length ?? 0)))
  const numeric = names.map((_, c) => cells.every(line => typeof line[c] === 'number'))
  return texts
    .map(line =>
      line
        .map((t, c) => (numeric[c] === true ? t.padStart(widths[c] ?? 0) : t.padEnd(widths[c] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function cellText(value: unknown): string {
  const text =
    typeof value === 'object' && value !== null
      ? JSON.stringify(value, (_k, v: unknown) => (typeof v === 'bigint' ? String(v) : v))
      : String(value)
  return text.length > WIDEST ? `${text.slice(0, WIDEST - 1)}…` : text
}
