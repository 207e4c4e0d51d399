/**
 * Lanes of a join: the left side above, the right side below, both on event time.
 *
 *          ○┄┄┄┄┄┄|     waits until then, farther out than what has met
 *   left   ●      ●   ✕     ● met, ✕ left alone
 *           \    / \        lines between rows that met
 *   right   ●●    ●
 *
 * Pure: from the status of a chart to the rows a picture draws.
 */
import { instantText } from './zone.ts'
import { timeLeft } from './time-left.ts'
import type { ChartRow, JoinStatus, JoinView, ViewedRow } from './protocol.ts'

/** The field a picture of lanes has its height in; no other picture has it. */
export const SIDE = '$side'
/** Height of a lane, and of the rows that wait beside it. */
const LANE_Y = 1
const WAITING_Y = 1.3
const WAITING_STEP = 0.17
const WAITING_LINES = 8
/** Half of the height, for the axis. */
export const LANES_Y = WAITING_Y + WAITING_STEP * (WAITING_LINES + 1)
/** How far beyond the newest row an expiry is drawn, of the time shown. */
const AHEAD = 0.3
/** Rows that left alone are shown so far back, of the time of the others. */
const LATELY = 2
/** A row far outside of the time shown stands so far beyond its edge. */
const OUTSIDE = 0.05

const EMPTY_SIDE = {
  rowCount: 0,
  bytes: 0,
  matchedCount: 0,
  waitingCount: 0,
  keptCount: 0,
  unmatchedCount: 0,
  unfollowedCount: 0,
}

/** Before the engine has told anything. */
export const EMPTY_JOIN: JoinView = {
  watermarkMs: null,
  sinceMs: null,
  followed: true,
  everyKey: 1,
  sides: [EMPTY_SIDE, EMPTY_SIDE],
  rows: [],
  lines: [],
  unmatched: [],
}

export const STATES = {
  matched: 'matched',
  waiting: 'waiting',
  kept: 'not asked for',
  unmatched: 'no partner',
} as const

interface Range {
  readonly fromMs: number
  readonly toMs: number
  readonly spanMs: number
}

/** Rows by `what`: `line` (two each), `stay` (a row that waits, until), `row`, `end` (where a stay ends), `watermark`. */
export function lanesRows(join: JoinStatus | undefined): ChartRow[] {
  const range = join === undefined ? null : rangeOf(join)
  if (join === undefined || range === null) return []
  const at = (ms: number): number => {
    const outside = OUTSIDE * range.spanMs
    return Math.max(range.fromMs - outside, Math.min(ms, range.toMs + outside))
  }
  const drawn: ChartRow[] = []
  join.lines.forEach(([left, right]) => {
    const ends = [join.rows[left], join.rows[right]]
    const id = `line ${ends.map(end => end?.number).join('-')}`
    for (const end of ends) {
      if (end === undefined) continue
      drawn.push({ $key: `${id} ${end.side}`, what: 'line', id, [SIDE]: laneOf(end), $at: at(end.atMs) })
    }
  })
  const stays = new StayLines()
  const limitMs = range.toMs + AHEAD * range.spanMs
  join.rows.forEach(row => {
    const id = `row ${row.side}-${row.number}`
    const waits = row.state === 'waiting'
    const y = waits ? stays.of(row, Math.min(row.untilMs ?? limitMs, limitMs)) : laneOf(row)
    const x = at(row.atMs)
    const told = toldOf(row, join)
    const hollow = waits || row.state === 'kept'
    // What left alone long ago stands in the table of the Join tab.
    if ((row.state === 'unmatched' || row.state === 'kept') && row.atMs < range.fromMs) return
    drawn.push({ $key: id, what: 'row', [SIDE]: y, $at: x, ...told, ...(hollow ? { $open: true } : {}) })
    if (!waits || row.untilMs === null) return
    const ends = row.untilMs <= limitMs
    const until = ends ? row.untilMs : limitMs
    drawn.push({ $key: `${id} stay`, what: 'stay', [SIDE]: y, $at: x, $until: until, ...told })
    if (ends) drawn.push({ $key: `${id} end`, what: 'end', [SIDE]: y, $at: until, ...told })
  })
  const { watermarkMs } = join
  if (watermarkMs !== null)
    drawn.push({
      $key: 'watermark',
      what: 'watermark',
      [SIDE]: LANES_Y,
      $low: -LANES_Y,
      $at: Math.min(limitMs, at(watermarkMs)),
      watermark: instantText(watermarkMs),
    })
  return drawn
}

/** The time shown: that of the rows. What is looked up may be much older, and does not count. */
function rangeOf({ rows, kind, watermarkMs }: JoinStatus): Range | null {
  const looksUp = kind === 'table' || kind === 'asOf'
  const going = rows.filter(row => row.state !== 'unmatched' && (!looksUp || row.side === 0))
  const own = going.length > 1 ? going : rows.filter(row => !looksUp || row.side === 0)
  const times = (own.length > 0 ? own : rows).map(row => row.atMs)
  if (times.length === 0) return null
  const newestMs = Math.max(...times)
  const begunMs = Math.min(...times)
  // Rows that left alone not long before are part of what is going on; older ones would squeeze it.
  const latelyMs = begunMs - LATELY * (newestMs - begunMs)
  const lately = rows.filter(({ state, atMs }) => state === 'unmatched' && atMs >= latelyMs)
  const fromMs = Math.min(begunMs, ...lately.map(row => row.atMs))
  // A watermark that trails or leads a little belongs into the picture.
  const near = watermarkMs !== null && Math.abs(watermarkMs - newestMs) <= newestMs - fromMs
  const toMs = near ? Math.max(newestMs, watermarkMs) : newestMs
  return { fromMs, toMs, spanMs: Math.max(1, toMs - fromMs) }
}

function laneOf({ side }: ViewedRow): number {
  return side === 0 ? LANE_Y : -LANE_Y
}

function toldOf(row: ViewedRow, { names, watermarkMs }: JoinStatus): Record<string, unknown> {
  const { untilMs } = row
  const left = timeLeft(untilMs, watermarkMs)
  return {
    state: STATES[row.state],
    stream: names[row.side],
    key: row.key,
    'event time': instantText(row.atMs),
    ...(untilMs === null ? {} : { 'leaves at': instantText(untilMs) }),
    ...(left === undefined ? {} : { 'time left': left }),
  }
}

/** Heights of rows that wait: those that overlap in time stand beside each other, as long as there is room. */
class StayLines {
  private readonly freeFromMs: [number[], number[]] = [[], []]
  private readonly next: [number, number] = [0, 0]

  of({ side, atMs }: ViewedRow, untilMs: number): number {
    const free = this.freeFromMs[side]
    let line = free.findIndex(fromMs => fromMs < atMs)
    if (line === -1 && free.length < WAITING_LINES) line = free.length
    if (line === -1) line = this.next[side]++ % WAITING_LINES
    free[line] = Math.max(untilMs, free[line] ?? untilMs)
    const y = Math.round(100 * (WAITING_Y + line * WAITING_STEP)) / 100
    return side === 0 ? y : -y
  }
}
