/**
 * Session join: rows of both sides form the sessions of a key together; a distance equal to the gap still joins. A session joins
 * its rows once, when it closes (watermark ≥ last time + gap − 1). Sessions merge first, then the merged one is judged late.
 */
import type { Batch } from '../../model.ts'
import type { JoinType } from '../../plan.ts'
import { Deadlines } from '../../state/deadlines.ts'
import { NO_KEY, REFUSED } from './keys.ts'
import type { HeldRow } from './lanes.ts'
import { pairUp } from './pair-up.ts'
import { KeyedCut } from './row-pieces.ts'
import type { SavedList, SidePieces } from './row-pieces.ts'
import { TwoInputs } from './two-inputs.ts'
import type { RowJoinParts, Saving, Side } from './two-inputs.ts'

export interface SessionJoinParts extends RowJoinParts {
  readonly type: JoinType
  readonly gapMs: number
}

interface Held {
  readonly row: unknown
  /** Order of arrival, kept when sessions merge. */
  readonly sequence: number
}

interface Session {
  readonly keyId: number
  first: number
  last: number
  left: Held[]
  right: Held[]
  /** Part of a larger one, or closed. */
  gone: boolean
  /** The larger one. */
  into?: Session
}

/** Sessions without their rows. */
interface SessionJoinRest {
  readonly sequence: number
  readonly keyIds: Int32Array
  readonly firsts: Float64Array
  readonly lasts: Float64Array
}

export class SessionJoin extends TwoInputs<SessionJoinParts, KeyedCut<Session[]>> {
  /** By key id; a key's sessions by time. */
  private sessions: (Session[] | undefined)[] = []
  private readonly closing = new Deadlines<Session>()
  private sequence = 0
  /** Sessions of one row without a key. */
  private keyless = new Set<Session>()
  /** While rows come back: the sessions they belong to. */
  private coming: readonly Session[] = []

  protected onRow(side: Side, batch: Batch, i: number): void {
    const { keys, gapMs, limit } = this.parts
    const timeMs = batch.eventTimesMs[i] as number
    const { watermarkMs } = this.inputs
    const keyId = keys.read(side, batch, i)
    if (keyId === REFUSED) return
    const list = keyId === NO_KEY ? undefined : this.sessions[keyId]
    const near = list?.filter(s => timeMs - gapMs <= s.last && timeMs + gapMs >= s.first) ?? []
    const last = near.reduce((most, s) => Math.max(most, s.last), timeMs)
    if (last + gapMs - 1 <= watermarkMs) {
      if (keyId !== NO_KEY) keys.glance(keyId)
      return this.context.drop(batch, i)
    }
    this.cut?.before(0, keyId)
    const row: Held = { row: batch.rows[i], sequence: this.sequence++ }
    const session = near[0] ?? this.open(keyId, timeMs)
    for (const other of near.slice(1)) merge(session, other)
    session.first = Math.min(session.first, timeMs)
    session.last = Math.max(session.last, timeMs)
    const rows = side === 0 ? session.left : session.right
    rows.push(row)
    if (near.length > 1) this.sessions[keyId] = list?.filter(s => !s.gone)
    this.closing.add(session.last + gapMs - 1, session)
    this.lanes?.came(side, keyId, timeMs, batch.rows[i], () => lastOf(session) + gapMs - 1)
    limit.took(batch.rows[i], keyId, session.left.length + session.right.length)
  }

  protected advance(watermarkMs: number): void {
    const { gapMs } = this.parts
    const due: Session[] = []
    while (this.closing.isDue(watermarkMs)) {
      const session = this.closing.take()
      // It grew, merged or was taken before: a deadline of its own stands for what it is now.
      if (session.gone || session.last + gapMs - 1 > watermarkMs) continue
      session.gone = true
      due.push(session)
    }
    if (due.length > 1) {
      const ranks = this.parts.keys.ranks()
      const rank = (s: Session) => (s.keyId === NO_KEY ? -1 : (ranks[s.keyId] as number))
      due.sort((a, b) => a.last - b.last || a.first - b.first || rank(a) - rank(b) || arrival(a) - arrival(b))
    }
    for (const session of due) this.close(session)
  }

  waitingCount(): number {
    return this.parts.limit.count
  }

  protected heldCounts(): readonly [number, number] {
    let left = 0
    for (const session of new Set(this.closing.things)) if (!session.gone) left += session.left.length
    return [left, this.parts.limit.count - left]
  }

  /** Times of rows are not kept: one that came before somebody looked stands at the start of its session. */
  protected *held(): Iterable<HeldRow> {
    const { gapMs } = this.parts
    for (const session of new Set(this.closing.things)) {
      if (session.gone) continue
      const untilMs = (): number => lastOf(session) + gapMs - 1
      const shared = { keyId: session.keyId, timeMs: session.first, untilMs, matched: undefined }
      for (const { row } of session.left) yield { side: 0, row, ...shared }
      for (const { row } of session.right) yield { side: 1, row, ...shared }
    }
  }

  protected beginSaving(pieces: SidePieces): Saving<KeyedCut<Session[]>> {
    const { sequence } = this
    const sessions: { keyId: number; first: number; last: number }[] = []
    const save = ({ keyId, first, last, left, right }: Session): number => {
      const of = sessions.push({ keyId, first, last }) - 1
      for (const [side, rows] of [left, right].entries()) {
        const into = pieces[side as Side]
        into.list(of, keyId)
        for (const { row, sequence: came } of rows) into.add(first, row, 0, came)
      }
      return left.length + right.length
    }
    const keyless = [...this.keyless]
    const cut = new KeyedCut<Session[]>([this.sessions], this.parts.pieceRows, (_side, _keyId, list) =>
      list.reduce((rows, session) => rows + save(session), 0),
    )
    return {
      cut,
      walk: cut.walkWith(keyless, save),
      rest: (): SessionJoinRest => ({
        sequence,
        keyIds: Int32Array.from(sessions, ({ keyId }) => keyId),
        firsts: Float64Array.from(sessions, ({ first }) => first),
        lasts: Float64Array.from(sessions, ({ last }) => last),
      }),
    }
  }

  protected begin(rest: unknown, keyCount: number): void {
    const { sequence, keyIds, firsts, lasts } = rest as SessionJoinRest
    this.sequence = sequence
    this.sessions = new Array<Session[] | undefined>(keyCount)
    this.keyless = new Set()
    this.coming = Array.from(keyIds, (keyId, i) => {
      const session: Session = { keyId, first: firsts[i] as number, last: lasts[i] as number, left: [], right: [], gone: false } // prettier-ignore
      if (keyId === NO_KEY) this.keyless.add(session)
      // Those of a key are saved by time.
      else (this.sessions[keyId] ??= []).push(session)
      return session
    })
  }

  protected loadList(side: Side, { of, keyId, from, to, piece }: SavedList): void {
    const session = this.coming[of] as Session
    const list = side === 0 ? session.left : session.right
    for (let i = from; i < to; i++) {
      const row = piece.row(i)
      list.push({ row, sequence: piece.numbers[i] as number })
      this.parts.limit.took(row, keyId, list.length)
    }
  }

  protected override loaded(): void {
    this.closing.fill(
      this.coming,
      this.coming.map(session => session.last + this.parts.gapMs - 1),
    )
    this.coming = []
  }

  private open(keyId: number, timeMs: number): Session {
    const session: Session = { keyId, first: timeMs, last: timeMs, left: [], right: [], gone: false }
    if (keyId === NO_KEY) {
      this.keyless.add(session)
      return session
    }
    let list = this.sessions[keyId]
    if (list === undefined) {
      list = []
      this.sessions[keyId] = list
      this.parts.keys.hold(keyId)
    }
    let at = list.length
    while (at > 0 && (list[at - 1] as Session).first > timeMs) at--
    list.splice(at, 0, session)
    return session
  }

  private close(session: Session): void {
    const { keyId, first, last, left, right } = session
    const { type, gapMs, out, limit, keys } = this.parts
    const group = { left: ordered(left), right: ordered(right) }
    pairUp(group, type, { windowStart: first, windowEnd: last + gapMs }, out)
    this.lanes?.met(keyId, group)
    limit.count -= left.length + right.length
    if (keyId === NO_KEY) {
      this.keyless.delete(session)
      return
    }
    this.cut?.before(0, keyId)
    const rest = this.sessions[keyId]?.filter(s => s !== session) ?? []
    this.sessions[keyId] = rest.length > 0 ? rest : undefined
    if (rest.length === 0) keys.release(keyId)
  }
}

function merge(into: Session, other: Session): void {
  into.first = Math.min(into.first, other.first)
  into.last = Math.max(into.last, other.last)
  into.left = into.left.concat(other.left)
  into.right = into.right.concat(other.right)
  other.gone = true
  other.into = into
}

function lastOf(session: Session): number {
  let whole = session
  while (whole.into !== undefined) whole = whole.into
  return whole.last
}

const ordered = (rows: readonly Held[]): unknown[] => rows.toSorted((a, b) => a.sequence - b.sequence).map(h => h.row)
const arrival = (s: Session): number => (s.left[0] ?? s.right[0])?.sequence ?? 0
