/** `.chart()` outside Jupyter: the newest rows as a text table at the end of the stream (rules.md 25). */
import { shortened } from '../shown-text.ts'
import { isDeepStrictEqual } from 'node:util'
import { changesNotice } from '../charts/changes.ts'
import type { RowSource } from './runtime.ts'

const SHOWN_ROWS = 20
const KEPT_ROWS = 200
const WIDEST = 24

/** Reads to the end and prints; a stream that fails prints what came before and why it failed. */
export async function printTableAtEnd(
  source: RowSource,
  { title, changes }: { readonly title: string; readonly changes: boolean },
  print: (text: string) => void,
): Promise<void> {
  let rows: unknown[] = []
  const newest: (readonly [mark: string, row: unknown])[] = []
  const counts = { insertedCount: 0, retractedCount: 0 }
  let failure = ''
  try {
    for (let chunk = await source.next(); chunk !== null; chunk = await source.next()) {
      chunk.rows.forEach((row, i) => {
        const retracted = chunk.weights?.[i] === -1
        counts[retracted ? 'retractedCount' : 'insertedCount']++
        if (changes) newest.push([retracted ? '−' : '+', row])
        if (newest.length > SHOWN_ROWS) newest.shift()
        if (!retracted) rows.push(row)
        else {
          const at = rows.findLastIndex(other => isDeepStrictEqual(other, row))
          if (at >= 0) rows.splice(at, 1)
        }
        // Some more than are shown: what is taken back makes room for those before it.
        if (rows.length > KEPT_ROWS) rows = rows.slice(-SHOWN_ROWS)
      })
    }
  } catch (error) {
    failure = `\n${error instanceof Error ? error.message : String(error)}`
  }
  await source.close()
  const told = changes ? `\n${changesNotice(newest.length, counts)}\n${markedTable(newest.reverse())}` : ''
  const count = counts.insertedCount - counts.retractedCount
  print(`${title}: ${count} ${count === 1 ? 'row' : 'rows'}\n${textTable(rows.slice(-SHOWN_ROWS))}${told}${failure}`)
}

function markedTable(marked: readonly (readonly [mark: string, row: unknown])[]): string {
  const [head = '', ...lines] = textTable(marked.map(([, row]) => row)).split('\n')
  return [`  ${head}`, ...lines.map((line, i) => `${marked[i]?.[0]} ${line}`)].join('\n')
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
  return shortened(text, WIDEST)
}
