/** A join at work in words: for the Join tab, for readers without eyes, and for viewers that draw nothing. */
import { formatBytes } from '../state/format-bytes.ts'
import { grouped } from './counts.ts'
import { timeLeft } from './time-left.ts'
import { clock } from './ruler.ts'
import type { JoinStatus, JoinView, UnmatchedRow } from './protocol.ts'

/** What it does, and where its time stands: that of its result may trail, since pads are as old as their rows. */
export function joinText(join: JoinStatus, over = false): string {
  const { names, text, watermarkMs } = join
  const whose = watermarkText(join)
  const stands =
    watermarkMs !== null ? `${whose} ${clock(watermarkMs)}` : over ? 'both sides have ended' : `no ${whose} yet`
  return `${names.join(' and ')}: ${text} · ${stands}`
}

/** Whose watermark decides: a table has none. */
export function watermarkText({ kind, names }: Pick<JoinStatus, 'kind' | 'names'>): string {
  return `watermark of ${kind === 'table' ? names[0] : 'both sides'}`
}

/** One sentence a side: what it holds, who waits, who left alone. */
export function sideTexts({ sides, names, followed }: JoinStatus): [string, string] {
  const text = (side: 0 | 1): string => {
    const { rowCount, bytes, waitingCount, unmatchedCount } = sides[side]
    const held = `${names[side]}: ${counted(rowCount, 'row')} held${bytes === 0 ? '' : ` (about ${formatBytes(bytes)})`}`
    if (!followed) return held
    return `${held}, ${grouped(waitingCount)} without a partner so far, ${grouped(unmatchedCount)} left without one`
  }
  return [text(0), text(1)]
}

/** What the picture leaves out; empty when it leaves out nothing. */
export function leftOutText({ sides, names, sinceMs, followed, everyKey, rows }: JoinStatus): string {
  if (!followed)
    return 'Rows of this join come too fast even for one key to be followed: they are counted, and none is drawn'
  const drawn = rows.filter(row => row.state !== 'unmatched').length
  const known = sides.reduce((sum, side) => sum + side.matchedCount + side.waitingCount + side.keptCount, 0)
  const parts = [
    ...(drawn < known ? [`${grouped(drawn)} of the newest ${grouped(known)} rows are drawn`] : []),
    ...(everyKey === 1 ? [] : [`rows come fast: one key in ${grouped(everyKey)} is followed`]),
    ...(sinceMs === null ? [] : [`rows are followed since somebody looked, at ${clock(sinceMs)}`]),
    ...sides.flatMap(({ unfollowedCount }, side) =>
      unfollowedCount === 0 ? [] : [`${counted(unfollowedCount, 'row')} of ${names[side]} were too many to follow`],
    ),
  ]
  return parts.join(' · ')
}

export const WAITING_COLUMNS = ['side', 'key', 'event time', 'leaves at', 'time left'] as const

const WAITING_ROWS = 24

/** Rows that wait, who leaves first on top. */
export function waitingCells({ rows, names, watermarkMs }: JoinStatus): string[][] {
  return rows
    .filter(row => row.state === 'waiting')
    .sort((a, b) => (a.untilMs ?? Infinity) - (b.untilMs ?? Infinity))
    .slice(0, WAITING_ROWS)
    .map(({ side, key, atMs, untilMs }) => [
      names[side],
      key ?? '',
      clock(atMs),
      untilMs === null ? 'no time ends it' : clock(untilMs),
      timeLeft(untilMs, watermarkMs) ?? '',
    ])
}

export const UNMATCHED_COLUMNS = ['side', 'key', 'event time', 'left at', 'why', 'row'] as const

/** How many left without a partner, of those that were seen to. */
export function unmatchedCount({ sides }: JoinView): number {
  return sides[0].unmatchedCount + sides[1].unmatchedCount
}

/** What is known of them: those that were asked for, and those told since; newest last. */
export function unmatchedRows({ unmatched }: JoinView, asked: readonly UnmatchedRow[]): readonly UnmatchedRow[] {
  const name = ({ side, number, atMs }: UnmatchedRow): string => `${side} ${number} ${atMs}`
  const known = new Set(asked.map(name))
  return asked.concat(unmatched.filter(row => !known.has(name(row))))
}

/** Which of them are listed; empty when all are. */
export function listedText(join: JoinView, listedCount: number): string {
  const count = unmatchedCount(join)
  return listedCount >= count ? '' : `The newest ${grouped(listedCount)} of ${grouped(count)} are listed`
}

/** Rows that left without a partner, the newest on top. */
export function unmatchedCells(join: JoinStatus, rows: readonly UnmatchedRow[] = join.unmatched): string[][] {
  return [...rows]
    .reverse()
    .map(row => [
      join.names[row.side],
      row.key ?? '',
      clock(row.atMs),
      row.endedMs === null ? 'at once' : clock(row.endedMs),
      whyAlone(row, join),
      row.row,
    ])
}

function whyAlone({ reason, side }: UnmatchedRow, { kind, type }: JoinStatus): string {
  const comes = type === 'full' || type === (side === 0 ? 'left' : 'right') || (type === 'anti' && side === 0)
  const outcome = comes ? (type === 'anti' ? 'it came out' : 'it came out with null') : 'it gave no row'
  return `${reasonText(reason, kind)}: ${outcome}`
}

function reasonText(reason: UnmatchedRow['reason'], kind: JoinStatus['kind']): string {
  if (reason === 'noKey') return 'its key is null, which equals nothing'
  if (kind === 'table') return 'the table had no such key'
  if (kind === 'asOf') return 'no version was valid at its time'
  return kind === 'window' ? 'nobody was in its window' : 'no partner came in time'
}

function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`
}
