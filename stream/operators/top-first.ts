/**
 * In front of a window that keeps only the top k rows of all: a row of columns whose value is below the k best seen of its slice cannot
 * be among the k best of any window, so it is never made. What is late, equal or no number goes on: the window decides about it.
 */
import type { Batch } from '../model.ts'
import { keptColumns } from './filter.ts'
import { emptyBatch } from './operator.ts'
import type { Operator, Provisional } from './operator.ts'
import type { WindowShape } from './window-shape.ts'

interface Slice {
  readonly end: number
  readonly lastEnd: number
  /** The best values, best first. */
  readonly best: Float64Array
  count: number
}

export class TopFirst implements Operator, Provisional {
  private readonly window: Operator & Provisional
  private readonly shape: WindowShape
  private readonly k: number
  private readonly field: string
  /** Not part of a snapshot: without them more rows go on. */
  private slices = new Map<number, Slice>()

  constructor(window: Operator & Provisional, shape: WindowShape, k: number, field: string) {
    this.window = window
    this.shape = shape
    this.k = k
    this.field = field
  }

  onBatch(batch: Batch): Batch {
    const values = batch.columns?.[this.field]
    if (values === undefined || !ArrayBuffer.isView(values) || batch.weights !== undefined)
      return this.window.onBatch(batch)
    const kept = new Int32Array(batch.count)
    const n = this.choose(batch, values as Float64Array, kept)
    const out = this.window.onBatch(keptColumns(batch, batch.columns ?? {}, kept, n))
    this.forget(batch.watermarkMs)
    return out
  }

  onWatermark(watermarkMs: number): Batch {
    this.forget(watermarkMs)
    return this.window.onWatermark(watermarkMs)
  }

  onEnd(): Batch {
    return this.window.onEnd()
  }

  get unfinished(): boolean {
    return this.window.unfinished === true
  }

  goOn(): Batch {
    return this.window.goOn?.() ?? emptyBatch(-Infinity)
  }

  provisional(limit: number): Batch {
    return this.window.provisional(limit)
  }

  snapshot(): unknown {
    return this.window.snapshot()
  }

  restore(state: unknown): void {
    this.slices.clear()
    this.window.restore(state)
  }

  keyCount(): number {
    return this.window.keyCount?.() ?? 0
  }

  stateBytes(): number {
    return this.window.stateBytes() + this.slices.size * (96 + this.k * 8)
  }

  private choose({ eventTimesMs, beforeMs, count }: Batch, values: ArrayLike<number>, kept: Int32Array): number {
    let n = 0
    let start = Infinity
    let end = -Infinity
    let slice: Slice | undefined
    for (let i = 0; i < count; i++) {
      const t = eventTimesMs[i] as number
      if (t < start || t >= end) {
        start = this.shape.sliceStart(t)
        slice = this.sliceOf(start)
        end = slice.end
      }
      const { best, count: full, lastEnd } = slice as Slice
      const value = values[i] as number
      if (full === this.k && value < (best[full - 1] as number) && lastEnd - 1 > (beforeMs[i] as number)) continue
      kept[n++] = i
      if (lastEnd - 1 > (beforeMs[i] as number) && value === value) take(slice as Slice, value)
    }
    return n
  }

  private sliceOf(start: number): Slice {
    let slice = this.slices.get(start)
    if (slice === undefined) {
      const lastEnd = this.shape.lastEnd(start)
      slice = { end: this.shape.sliceEnd(start), lastEnd, best: new Float64Array(this.k), count: 0 }
      this.slices.set(start, slice)
    }
    return slice
  }

  private forget(watermarkMs: number): void {
    for (const [start, { lastEnd }] of this.slices) if (lastEnd - 1 <= watermarkMs) this.slices.delete(start)
  }
}

function take(slice: Slice, value: number): void {
  const { best } = slice
  let at = slice.count
  if (at === best.length) {
    if (value <= (best[at - 1] as number)) return
    at--
  } else slice.count++
  while (at > 0 && (best[at - 1] as number) < value) {
    best[at] = best[at - 1] as number
    at--
  }
  best[at] = value
}
