/**
 * The watermark of one source: no event time at or below it is expected any more, and it never goes back.
 *
 *   partition = max(event time) − bound − 1, or what it was told explicitly
 *   source    = minimum over its active partitions
 *
 *   active ──idle──▶ idle ──record, behind──▶ catching up ──own watermark ≥ given out──▶ active
 *                     └──────record, not behind──────────────────────────────────────────┘
 *
 * A partition without records is active and holds the minimum at −∞. An idle one is left out. One that catches up takes part
 * again but does not hold the minimum, or a paused producer's backlog would look like a watermark that goes back. When no
 * partition is active the watermark stands still.
 */
const ACTIVE = 0
const IDLE = 1
const CATCHING_UP = 2

interface WatermarkRun {
  /** As of `Batch.run`. */
  readonly run: { readonly firstMs: number; readonly trailMs: number; readonly ordered: boolean } | undefined
  readonly before: () => Float64Array
}

export interface WatermarkState {
  readonly own: readonly number[]
  readonly phase: readonly number[]
  readonly watermarkMs: number
}

export class SourceWatermark {
  /** What has been given out. */
  watermarkMs = -Infinity
  private own: number[] = []
  private phase: number[] = []
  private readonly trailMs: number | undefined

  /** Without a bound only explicit watermarks move the time. */
  constructor(partitionCount: number, outOfOrderMs: number | undefined) {
    this.trailMs = outOfOrderMs === undefined ? undefined : outOfOrderMs + 1
    this.grow(partitionCount)
  }

  /** More partitions exist from now on; a new one is active and empty. */
  grow(partitionCount: number): void {
    while (this.own.length < partitionCount) {
      this.own.push(-Infinity)
      this.phase.push(ACTIVE)
    }
  }

  get partitionCount(): number {
    return this.own.length
  }

  /** Called after a record was judged, so that a record never makes itself late. */
  record(partition: number, eventTimeMs: number): void {
    if (partition >= this.own.length) this.grow(partition + 1)
    const before = this.own[partition] as number
    const phase = this.phase[partition] as number
    if (this.trailMs !== undefined && eventTimeMs - this.trailMs > before) {
      this.own[partition] = eventTimeMs - this.trailMs
      if (phase === ACTIVE) {
        // Only the partition that held the minimum can move it.
        if (this.own.length === 1) this.watermarkMs = Math.max(this.watermarkMs, eventTimeMs - this.trailMs)
        else if (before <= this.watermarkMs || before === -Infinity) this.raise()
        return
      }
    }
    if (phase !== ACTIVE) {
      this.phase[partition] = (this.own[partition] as number) >= this.watermarkMs ? ACTIVE : CATCHING_UP
      this.raise()
    }
  }

  /**
   * `record` for many records of partition 0. The result gives, when somebody looks, the watermark that was in force before each
   * of them; undefined, and nothing is done, when a time is no finite number.
   */
  run(eventTimesMs: Float64Array, count: number): WatermarkRun | undefined {
    const seen = newestOf(eventTimesMs, count)
    if (seen === undefined) return undefined
    const { newest } = seen
    let befores: Float64Array | undefined
    if (this.own.length > 1) {
      befores = new Float64Array(count)
      for (let i = 0; i < count; i++) {
        befores[i] = this.watermarkMs
        this.record(0, eventTimesMs[i] as number)
      }
    }
    const { watermarkMs } = this
    const trailMs = this.trailMs ?? Infinity
    const run = befores === undefined ? { firstMs: watermarkMs, trailMs, ordered: seen.ordered } : undefined
    if (befores === undefined && count > 0) this.record(0, newest)
    return { run, before: () => (befores ??= runningWatermarks(eventTimesMs, count, watermarkMs, trailMs)) }
  }

  /** An explicit watermark of one partition, or of all. */
  tell(watermarkMs: number, partition?: number): void {
    if (partition !== undefined && partition >= this.own.length) this.grow(partition + 1)
    const first = partition ?? 0
    const last = partition ?? this.own.length - 1
    for (let p = first; p <= last; p++) {
      if (watermarkMs > (this.own[p] as number)) this.own[p] = watermarkMs
      if (this.phase[p] === CATCHING_UP && (this.own[p] as number) >= this.watermarkMs) this.phase[p] = ACTIVE
    }
    this.raise()
  }

  idle(partition: number): void {
    if (partition >= this.own.length) this.grow(partition + 1)
    this.phase[partition] = IDLE
    this.raise()
  }

  /** It takes part again before its next record, and holds the watermark wherever that stands. */
  wake(partition: number): void {
    if (this.phase[partition] === IDLE) this.phase[partition] = ACTIVE
  }

  isIdle(partition: number): boolean {
    return this.phase[partition] === IDLE
  }

  /** The watermark stands still until this partition goes on. */
  isHeldBy(partition: number): boolean {
    return this.phase[partition] === ACTIVE && (this.own[partition] as number) <= this.watermarkMs
  }

  /** How far the watermark goes when this partition alone goes on; undefined when it takes no part. */
  ceilingOver(partition: number): number | undefined {
    if (this.phase[partition] !== ACTIVE) return undefined
    let least = Infinity
    for (let p = 0; p < this.own.length; p++) {
      if (p !== partition && this.phase[p] === ACTIVE) least = Math.min(least, this.own[p] as number)
    }
    return least
  }

  /** No partition takes part: the stream as a whole is left out where it meets another. */
  get allIdle(): boolean {
    return this.phase.length > 0 && this.phase.every(phase => phase === IDLE)
  }

  /** End of a bounded source. */
  end(): void {
    this.watermarkMs = Infinity
  }

  snapshot(): WatermarkState {
    return { own: this.own.slice(), phase: this.phase.slice(), watermarkMs: this.watermarkMs }
  }

  restore(state: WatermarkState): void {
    this.own = state.own.slice()
    this.phase = state.phase.slice()
    this.watermarkMs = state.watermarkMs
  }

  private raise(): void {
    let least = Infinity
    for (let p = 0; p < this.own.length; p++) {
      if (this.phase[p] === ACTIVE && (this.own[p] as number) < least) least = this.own[p] as number
    }
    if (least !== Infinity && least > this.watermarkMs) this.watermarkMs = least
  }
}

/** A function of its own: a loop that ends in code not run yet is compiled for nothing. */
function isOrdered(times: Float64Array, count: number): boolean {
  for (let i = 1; i < count; i++) if (!((times[i] as number) >= (times[i - 1] as number))) return false
  return true
}

function newestOf(eventTimesMs: Float64Array, count: number): { newest: number; ordered: boolean } | undefined {
  // In order, all are finite when the first and the last one are: what is no number is not at or beyond another.
  if (count > 0 && isOrdered(eventTimesMs, count)) {
    const newest = eventTimesMs[count - 1] as number
    return Number.isFinite(eventTimesMs[0]) && Number.isFinite(newest) ? { newest, ordered: true } : undefined
  }
  let newest = -Infinity
  // Stays 0 while all are finite.
  let odd = 0
  let back = 0
  for (let i = 0; i < count; i++) {
    const t = eventTimesMs[i] as number
    odd += t - t
    if (t >= newest) newest = t
    else back++
  }
  return odd === 0 ? { newest, ordered: back === 0 } : undefined
}

function runningWatermarks(times: Float64Array, count: number, watermarkMs: number, trail: number): Float64Array {
  const befores = new Float64Array(count)
  let running = watermarkMs
  for (let i = 0; i < count; i++) {
    befores[i] = running
    const t = (times[i] as number) - trail
    if (t > running) running = t
  }
  return befores
}
