/**
 * The rows of one chart, the same in the engine and in the browser, apart from any view.
 *
 *   engine:  apply(delta)  -> what really changed, expired rows as removals
 *   browser: apply(frame)  -> 'applied', or 'gap' when a frame is missing (then the model stays as it is)
 *
 * A row that is upserted again keeps its place; removals come before upserts. With these two rules a merge of deltas
 * (mergeDeltas) ends in the same rows, in the same order, as the deltas one by one.
 */
import { expiredRows } from './retain.ts'
import type { ChartDelta, ChartFrame, ChartRow, Retention } from './protocol.ts'

export const EMPTY_DELTA: ChartDelta = { upsert: [], remove: [] }

export class ChartModel {
  readonly #rows = new Map<string, ChartRow>()
  #retention: Retention
  #sequence: number | null = null
  #thinned: { readonly stepMs: number; readonly untilMs: number } | null = null

  constructor(retention: Retention) {
    this.#retention = retention
  }

  /** Sequence of the last applied frame; null before the first snapshot. */
  get sequence(): number | null {
    return this.#sequence
  }

  get size(): number {
    return this.#rows.size
  }

  /** Rows in order of arrival. */
  rows(): ChartRow[] {
    return [...this.#rows.values()]
  }

  /** Of each step of so many ms only the lowest and highest row of a series are here; null: all rows of the span are. */
  get thinStepMs(): number | null {
    return this.#thinned?.stepMs ?? null
  }

  clear(retention?: Retention): void {
    this.#rows.clear()
    this.#sequence = null
    this.#thinned = null
    if (retention !== undefined) this.#retention = retention
  }

  /** Applies `delta`, lets go of what is beyond retention, and gives what changed for somebody who had the rows before. */
  apply(delta: ChartDelta): ChartDelta {
    const removed = this.#change(delta)
    const upserted = new Map(delta.upsert.map(row => [row.$key, row]))
    const { keys, thinStepMs, newestMs } = expiredRows(this.#rows.values(), this.#retention)
    // What was thinned once is so until it is older than the span.
    if (thinStepMs !== null) this.#thinned = { stepMs: thinStepMs, untilMs: newestMs + (this.#retention.spanMs ?? 0) }
    else if (this.#thinned !== null && newestMs > this.#thinned.untilMs) this.#thinned = null
    for (const key of keys) {
      this.#rows.delete(key)
      upserted.delete(key)
      removed.add(key)
    }
    return { upsert: [...upserted.values()], remove: [...removed] }
  }

  /** Applies a frame of the wire. A delta that does not follow the last frame changes nothing and answers 'gap'. */
  applyFrame(frame: Pick<ChartFrame, 'sequence' | 'snapshot' | 'delta'>): 'applied' | 'gap' {
    if (frame.snapshot !== undefined) {
      this.#rows.clear()
      for (const row of frame.snapshot) this.#rows.set(row.$key, row)
    } else {
      if (this.#sequence === null || frame.sequence !== this.#sequence + 1) return 'gap'
      if (frame.delta !== undefined) this.#change(frame.delta)
    }
    this.#sequence = frame.sequence
    return 'applied'
  }

  #change(delta: ChartDelta): Set<string> {
    const removed = new Set<string>()
    for (const key of delta.remove) {
      this.#rows.delete(key)
      removed.add(key)
    }
    for (const row of delta.upsert) this.#rows.set(row.$key, row)
    return removed
  }
}

/** A delta under construction: what several deltas, applied in order, amount to. */
export class PendingDelta {
  readonly #upsert = new Map<string, ChartRow>()
  readonly #remove = new Set<string>()

  get empty(): boolean {
    return this.#upsert.size === 0 && this.#remove.size === 0
  }

  /** Keys held; what a frame would cost. */
  get size(): number {
    return this.#upsert.size + this.#remove.size
  }

  add(delta: ChartDelta): void {
    for (const key of delta.remove) this.remove(key)
    for (const row of delta.upsert) this.#upsert.set(row.$key, row)
  }

  remove(key: string): void {
    this.#upsert.delete(key)
    this.#remove.add(key)
  }

  /** Puts a row in place of the one with its key, which keeps its place. Only where deltas are made, not where they are merged. */
  replace(row: ChartRow): void {
    this.#remove.delete(row.$key)
    this.#upsert.set(row.$key, row)
  }

  /** Forgets a row nobody has been told about; false when it was not pending. */
  drop(key: string): boolean {
    return this.#upsert.delete(key)
  }

  take(): ChartDelta {
    const delta = { upsert: [...this.#upsert.values()], remove: [...this.#remove] }
    this.clear()
    return delta
  }

  clear(): void {
    this.#upsert.clear()
    this.#remove.clear()
  }
}

/** One delta that does what `deltas` do one after the other. */
export function mergeDeltas(deltas: readonly ChartDelta[]): ChartDelta {
  const pending = new PendingDelta()
  for (const delta of deltas) pending.add(delta)
  return pending.take()
}
