/** Rows a join gives: made by the user's function of both sides, or `{ left, right }`. */
import type { Batch } from '../../model.ts'
import { emptyBatch } from '../operator.ts'
import type { Lambda, StageContext } from '../operator.ts'
import { PipelineFailure } from '../refusals.ts'
import type { Output } from './two-inputs.ts'

export interface Bounds {
  readonly windowStart: number
  readonly windowEnd: number
}

/** Rows one event may give before it is no result any more but a mistake in the key. */
export const MOST_ROWS = 8_000_000

type Make = (left: unknown, right: unknown, bounds?: Bounds) => unknown

export class JoinedRows implements Output {
  beforeMs = -Infinity
  private readonly lambda: Lambda | undefined
  private readonly make: Make
  private readonly context: StageContext
  private rows: unknown[] = []
  private times: number[] = []
  private befores: number[] = []
  private weights: number[] | undefined

  /** `leftOnly`: semi and anti joins. */
  constructor(lambda: Lambda | undefined, leftOnly: boolean, context: StageContext) {
    this.lambda = lambda
    this.context = context
    this.make = (lambda?.call as Make | undefined) ?? (leftOnly ? leftRow : pairRow)
  }

  add(left: unknown, right: unknown, eventTimeMs: number, weight: 1 | -1 = 1, bounds?: Bounds): void {
    let row: unknown
    try {
      row = bounds === undefined ? this.make(left, right) : this.make(left, right, bounds)
    } catch (error) {
      this.threw(left, right, eventTimeMs, error)
      return
    }
    this.rows.push(row)
    this.times.push(eventTimeMs)
    this.befores.push(this.beforeMs)
    if (weight === -1) this.weights ??= new Array<number>(this.rows.length - 1).fill(1)
    this.weights?.push(weight)
    if (this.rows.length > MOST_ROWS) throw tooManyPairs()
  }

  take(watermarkMs: number): Batch {
    const count = this.rows.length
    if (count === 0) return emptyBatch(watermarkMs)
    const batch: Batch = {
      count,
      rows: this.rows,
      eventTimesMs: new Float64Array(this.times),
      beforeMs: new Float64Array(this.befores),
      watermarkMs,
      weights: this.weights === undefined ? undefined : Int8Array.from(this.weights),
    }
    this.rows = []
    this.times = []
    this.befores = []
    this.weights = undefined
    return batch
  }

  private threw(left: unknown, right: unknown, eventTimeMs: number, error: unknown): void {
    if (this.lambda === undefined) throw error
    const one: Batch = {
      count: 1,
      rows: [{ left, right }],
      eventTimesMs: Float64Array.of(eventTimeMs),
      beforeMs: Float64Array.of(this.beforeMs),
      watermarkMs: this.beforeMs,
    }
    this.context.threw(one, 0, error, this.lambda)
  }
}

export function tooManyPairs(): PipelineFailure {
  return new PipelineFailure({
    code: 'STATE_TOO_LARGE',
    message: `Join failed: one batch matched more than ${MOST_ROWS.toLocaleString('en-US')} pairs of rows`,
    hint: 'Join on a key with more values, or within a shorter time',
  })
}

const pairRow: Make = (left, right, bounds) => (bounds === undefined ? { left, right } : { left, right, ...bounds })
const leftRow: Make = (left, _right, bounds) => ({ left, ...bounds })
