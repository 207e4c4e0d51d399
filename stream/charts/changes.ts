/**
 * Which rows came and which were taken back: the newest changes of a chart, kept only while somebody asks for them.
 *
 *   tap -> ChangeLog -> Chart -> frame -> page        each holds the changes of one stretch of numbers, (since, upTo]
 *
 * Stretches that meet are joined, one that leaves a gap takes the place of what was known: so nothing counts twice after a worker
 * was restored, a frame was lost or a page came back, and the list never has a hole.
 */
import { cellText } from './table.ts'
import { grouped } from './counts.ts'
import type { ChartChange, ChartChanges, ChartColumn, ChartStatus } from './protocol.ts'

/** How many are kept of a chart; the rest is told as a number. */
export const CHANGES_KEPT = 100

export const NO_CHANGES: ChartChanges = { since: 0, upTo: 0, entries: [] }

/** `next` after `known`: the newest ones of both, without a hole. */
export function followChanges(known: ChartChanges | undefined, next: ChartChanges): ChartChanges {
  if (known === undefined || next.since > known.upTo) return newest(next)
  if (next.upTo <= known.upTo) return known
  const entries = [...known.entries, ...next.entries.filter(({ number }) => number > known.upTo)]
  return newest({ since: known.since, upTo: next.upTo, entries })
}

/** The changes after `number`; undefined when there are none. */
export function changesAfter(changes: ChartChanges, number: number): ChartChanges | undefined {
  if (number >= changes.upTo) return undefined
  const since = Math.max(number, changes.since)
  return { since, upTo: changes.upTo, entries: changes.entries.filter(entry => entry.number > since) }
}

function newest(changes: ChartChanges, limit = CHANGES_KEPT): ChartChanges {
  const surplus = changes.entries.length - limit
  const left = changes.entries[surplus - 1]
  return left === undefined ? changes : { ...changes, since: left.number, entries: changes.entries.slice(surplus) }
}

const SAVED_BYTES = 50_000

/** The newest changes that fit a saved frame. */
export function savedChanges(changes: ChartChanges): ChartChanges {
  let bytes = 0
  const fitting = changes.entries.findLastIndex(entry => (bytes += JSON.stringify(entry).length + 1) > SAVED_BYTES)
  return newest(changes, changes.entries.length - fitting - 1)
}

/** The changes since it was last asked, under construction in a tap. */
export class ChangeLog {
  #since: number
  #upTo: number
  #entries: ChartChange[] = []

  constructor(since: number) {
    this.#since = since
    this.#upTo = since
  }

  add(change: ChartChange): void {
    this.#entries.push(change)
    // In halves: shifting an array one by one costs as much as it is long.
    if (this.#entries.length >= 2 * CHANGES_KEPT) this.#trim()
  }

  /** The changes up to here were not looked at: as many come after them as are kept. */
  skipTo(number: number): void {
    this.#since = number
    this.#upTo = number
    this.#entries = []
  }

  /** All changes up to here were given, those that are not drawn left out. */
  reached(number: number): void {
    this.#upTo = number
  }

  take(): ChartChanges | undefined {
    if (this.#upTo === this.#since) return undefined
    this.#trim()
    const changes = { since: this.#since, upTo: this.#upTo, entries: this.#entries }
    this.#since = this.#upTo
    this.#entries = []
    return changes
  }

  #trim(): void {
    const { since, entries } = newest({ since: this.#since, upTo: this.#upTo, entries: this.#entries })
    this.#since = since
    this.#entries = [...entries]
  }
}

export interface ChangeLine {
  readonly key: string
  readonly inserted: boolean
  /** `+` or `−`, event time, then a text for each column. */
  readonly texts: readonly string[]
}

/** Heads of the columns of `changeLines`. */
export function changeColumns(columns: readonly ChartColumn[]): ChartColumn[] {
  return [{ name: '±', kind: 'text' }, { name: 'event time', kind: 'instant' }, ...columns]
}

/** The newest `limit` changes, newest first, that hold `filter` in any text. */
export function changeLines(
  { entries }: ChartChanges,
  columns: readonly ChartColumn[],
  limit: number,
  { zone, filter = '' }: { readonly zone?: string | undefined; readonly filter?: string } = {},
): ChangeLine[] {
  const lines: ChangeLine[] = []
  const wanted = filter.trim().toLowerCase()
  for (let i = entries.length - 1; i >= 0 && lines.length < limit; i--) {
    const { number, weight, atMs, row } = entries[i] as ChartChange
    const texts = [
      weight > 0 ? '+' : '−',
      cellText(atMs, 'instant', zone),
      ...columns.map(column => cellText(row[column.name], column.kind, zone)),
    ]
    if (wanted !== '' && !texts.some(text => text.toLowerCase().includes(wanted))) continue
    lines.push({ key: String(number), inserted: weight > 0, texts })
  }
  return lines
}

/** `newest 50 of 1,234 changes (1,000 inserted, 234 retracted)`; what is left out is told, not hidden. */
export function changesNotice(shownCount: number, counts: ChartStatus['changes']): string {
  if (counts === undefined) return shownCount === 0 ? 'no changes yet' : `newest ${grouped(shownCount)} changes`
  const { insertedCount, retractedCount } = counts
  const all = insertedCount + retractedCount
  const of = `${grouped(all)} ${all === 1 ? 'change' : 'changes'}`
  const shown = shownCount === all ? of : `newest ${grouped(shownCount)} of ${of}`
  return `${shown} (${grouped(insertedCount)} inserted, ${grouped(retractedCount)} retracted)`
}
