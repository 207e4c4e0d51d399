/**
 * Keyed aggregation in sessions: a session takes what lies at most the gap away; its end is its last time + gap.
 *
 *   record ─▶ merge with every session of its key within the gap ─▶ then the late rule on the merged session
 *
 *   open ──watermark ≥ end − 1──▶ fired ──watermark ≥ end − 1 + lateness──▶ forgotten
 *     └──────────◀── a record makes it longer ──┘
 *
 * Rows sent before for sessions that are part of a longer one now are retracted when the longer one is sent.
 */
import type { Batch } from '../model.ts'
import type { WindowOptions } from '../plan.ts'
import type { Layout, Store } from '../aggregates/layout.ts'
import { Deadlines } from '../state/deadlines.ts'
import { KeyTable } from '../state/key-table.ts'
import type { KeyTableState } from '../state/key-table.ts'
import { BatchBuilder } from './batch-builder.ts'
import { rowMaker } from './compile.ts'
import type { Operator, Provisional, StageContext } from './operator.ts'
import type { RowReader } from './row-reader.ts'
import { revisionAfter } from './window.ts'

type Row = Record<string, unknown>

interface Session {
  readonly keyId: number
  start: number
  last: number
  readonly store: Store
  fired: boolean
  /** Changed since early rows were sent. */
  changed: boolean
  /** Its one valid entry among the deadlines; other entries are old. */
  dueAtMs: number
  /** Merged into another, or forgotten. */
  gone: boolean
  /** Rows sent for what this session holds; one, or several after a merge. */
  sent: Row[]
}

interface SessionState {
  readonly table: KeyTableState
  readonly sessions: readonly Session[]
  readonly watermarkMs: number
  readonly earlyAt: number | undefined
}

export interface SessionParts {
  readonly gapMs: number
  readonly keyNames: readonly string[]
  readonly layout: Layout
  readonly aggregateNames: readonly string[]
  readonly reader: RowReader
  readonly latenessMs: number
  readonly emit: WindowOptions['emit']
  readonly context: StageContext
}

export class SessionOperator implements Operator, Provisional {
  private readonly parts: SessionParts
  private readonly make: (values: readonly unknown[]) => Row
  private readonly everyMs: number | undefined
  private readonly table: KeyTable
  /** By key id, sorted by start. */
  private byKey = new Map<number, Session[]>()
  private sessionCount = 0
  private readonly due = new Deadlines<Session>()
  private watermarkMs = -Infinity
  private earlyAt: number | undefined
  private readonly out = new BatchBuilder()

  constructor(parts: SessionParts) {
    this.parts = parts
    this.make = rowMaker([...parts.keyNames, 'windowStart', 'windowEnd', ...parts.aggregateNames, 'kind', 'revision'])
    this.everyMs = typeof parts.emit === 'object' ? parts.emit.everyMs : undefined
    this.table = new KeyTable(parts.keyNames.length)
  }

  onBatch(batch: Batch): Batch {
    for (let i = 0; i < batch.count; i++) {
      const before = batch.beforeMs[i] as number
      if (before > this.watermarkMs) this.advance(before)
      this.record(batch, i)
    }
    return this.onWatermark(batch.watermarkMs)
  }

  onWatermark(watermarkMs: number): Batch {
    if (watermarkMs > this.watermarkMs) this.advance(watermarkMs)
    return this.out.take(watermarkMs)
  }

  onEnd(): Batch {
    return this.onWatermark(Infinity)
  }

  provisional(limit: number): Batch {
    const builder = new BatchBuilder()
    const open = [...this.byKey.values()].flat().filter(s => !s.fired)
    for (const s of this.ordered(open).slice(-limit)) {
      if (s.store.fields[0] !== 0) builder.add(this.row(s, 'early', 0), this.endOf(s) - 1, this.watermarkMs)
    }
    return builder.take(this.watermarkMs)
  }

  snapshot(): SessionState {
    const { watermarkMs, earlyAt } = this
    return { table: this.table.snapshot(), sessions: [...this.byKey.values()].flat(), watermarkMs, earlyAt }
  }

  restore(state: unknown): void {
    const s = state as SessionState
    this.table.restore(s.table)
    this.byKey = new Map()
    this.sessionCount = s.sessions.length
    this.due.clear()
    for (const saved of s.sessions) {
      const session = { ...saved, sent: [...saved.sent] }
      this.sessionsOf(session.keyId).push(session)
      this.schedule(session)
    }
    this.watermarkMs = s.watermarkMs
    this.earlyAt = s.earlyAt
  }

  keyCount(): number {
    return this.table.liveCount
  }

  stateBytes(): number {
    return this.table.bytes() + this.sessionCount * (320 + this.parts.layout.stride * 8)
  }

  private record(batch: Batch, i: number): void {
    const { context, reader, gapMs, latenessMs, emit } = this.parts
    const t = batch.eventTimesMs[i] as number
    const keyId = reader.read(batch, i, this.table)
    if (keyId < 0) return
    const sessions = this.byKey.get(keyId) ?? []
    // Nearly always the newest session of the key takes the record.
    const newest = sessions.length === 1 ? sessions[0] : undefined
    const near =
      newest === undefined
        ? sessions.filter(s => s.start - gapMs <= t && t <= s.last + gapMs)
        : newest.start - gapMs <= t && t <= newest.last + gapMs
          ? sessions
          : []
    let start = t
    let last = t
    for (const s of near) {
      if (s.start < start) start = s.start
      if (s.last > last) last = s.last
    }
    if (last + gapMs - 1 + latenessMs <= this.watermarkMs) {
      context.drop(batch, i)
      return
    }
    const session = near[0] ?? this.open(keyId, t)
    if (near.length > 1) for (const other of near.slice(1)) this.merge(session, other)
    session.start = start
    session.last = last
    if (near.length === 0) this.insert(session)
    reader.addTo(session.store, 0, batch.weights?.[i] ?? 1, t)
    session.fired = this.endOf(session) - 1 <= this.watermarkMs
    session.changed = true
    // A later deadline is found when the old one comes; only an earlier one is entered at once.
    if (this.deadline(session) < session.dueAtMs) this.schedule(session)
    if (session.fired) context.tookLate()
    if (emit === 'changes') this.send(session, session.fired ? 'late' : 'early', this.watermarkMs)
    else if (session.fired) this.send(session, 'late', this.watermarkMs)
    else this.planEarly()
  }

  private open(keyId: number, t: number): Session {
    const { layout } = this.parts
    const store = layout.single()
    return { keyId, start: t, last: t, store, fired: false, changed: false, dueAtMs: Infinity, gone: false, sent: [] }
  }

  private insert(session: Session): void {
    const sessions = this.sessionsOf(session.keyId)
    let at = sessions.length
    while (at > 0 && sessions[at - 1]!.start > session.start) at--
    sessions.splice(at, 0, session)
    this.sessionCount++
    this.table.hold(session.keyId)
  }

  private merge(into: Session, other: Session): void {
    const { layout } = this.parts
    layout.merge(into.store, 0, other.store, 0)
    into.sent.push(...other.sent)
    this.remove(other)
  }

  private remove(session: Session): void {
    session.gone = true
    this.sessionCount--
    const left = this.sessionsOf(session.keyId).filter(s => s !== session)
    if (left.length > 0) this.byKey.set(session.keyId, left)
    else this.byKey.delete(session.keyId)
    this.table.release(session.keyId)
  }

  private advance(to: number): void {
    const from = this.watermarkMs
    const early = this.earlyAt
    if (early !== undefined && early <= to) {
      // As if the watermark rose millisecond by millisecond: what closes before the boundary closes before it.
      this.fireUpTo(early, from)
      this.sendEarly(Math.max(from, early - 1))
    }
    this.fireUpTo(to, from)
    this.watermarkMs = to
  }

  private fireUpTo(to: number, from: number): void {
    const fired: Session[] = []
    const closed: Session[] = []
    while (this.due.count > 0 && this.due.soonestMs <= to) {
      const atMs = this.due.soonestMs
      const session = this.due.take()
      if (session.gone || session.dueAtMs !== atMs) continue
      if (!session.fired && this.endOf(session) - 1 <= to) {
        session.fired = true
        fired.push(session)
      }
      const deadline = this.deadline(session)
      if (deadline > to) this.schedule(session)
      else if (session.fired) closed.push(session)
    }
    if (this.parts.emit !== 'changes') {
      for (const s of this.ordered(fired)) this.send(s, 'onTime', Math.max(from, this.endOf(s) - 2))
    }
    // After the sending: a key without sessions may be forgotten.
    for (const session of closed) this.remove(session)
  }

  private planEarly(): void {
    if (this.everyMs === undefined || this.earlyAt !== undefined) return
    const { watermarkMs, everyMs } = this
    this.earlyAt = watermarkMs === -Infinity ? -Infinity : (Math.floor(watermarkMs / everyMs) + 1) * everyMs
  }

  private sendEarly(beforeMs: number): void {
    this.earlyAt = undefined
    const changed = [...this.byKey.values()].flat().filter(s => s.changed && !s.fired)
    for (const s of this.ordered(changed)) {
      this.send(s, 'early', beforeMs)
      s.changed = false
    }
  }

  private send(session: Session, kind: 'early' | 'onTime' | 'late', beforeMs: number): void {
    const end = this.endOf(session)
    let same: Row | undefined
    for (const old of session.sent) {
      this.out.add(old, (old['windowEnd'] as number) - 1, beforeMs, -1)
      if (old['windowStart'] === session.start && old['windowEnd'] === end) same = old
    }
    session.sent = []
    if (session.store.fields[0] === 0) return
    const row = this.row(session, kind, revisionAfter(same, kind))
    if (this.parts.latenessMs > 0 || this.parts.emit !== 'final') session.sent = [row]
    this.out.add(row, end - 1, beforeMs)
  }

  private row(session: Session, kind: string, revision: number): Row {
    const { layout, keyNames } = this.parts
    const values: unknown[] = keyNames.map((_, c) => this.table.valueOf(session.keyId, c))
    values.push(session.start, this.endOf(session))
    layout.results(values, session.store, 0)
    values.push(kind, revision)
    return this.make(values)
  }

  /** By end, then key. */
  private ordered(sessions: readonly Session[]): readonly Session[] {
    const { table } = this
    if (sessions.length < 2) return sessions as Session[]
    if (sessions.length * 16 < table.liveCount) {
      // A few of many keys end at each step of the watermark: ordering all keys each time would be quadratic.
      return sessions.toSorted(
        (a, b) => this.endOf(a) - this.endOf(b) || table.compare(a.keyId, b.keyId) || a.start - b.start,
      )
    }
    const ranks = table.ranks()
    return sessions.toSorted(
      (a, b) => this.endOf(a) - this.endOf(b) || ranks[a.keyId]! - ranks[b.keyId]! || a.start - b.start,
    )
  }

  private endOf(session: Session): number {
    return session.last + this.parts.gapMs
  }

  /** When the watermark gets there, the session fires, or is forgotten. */
  private deadline(session: Session): number {
    return this.endOf(session) - 1 + (session.fired ? this.parts.latenessMs : 0)
  }

  private schedule(session: Session): void {
    session.dueAtMs = this.deadline(session)
    this.due.add(session.dueAtMs, session)
  }

  private sessionsOf(keyId: number): Session[] {
    let sessions = this.byKey.get(keyId)
    if (sessions === undefined) {
      sessions = []
      this.byKey.set(keyId, sessions)
    }
    return sessions
  }
}
