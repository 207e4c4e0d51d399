/** How many rows the next call to a model has: twice as many while calls are quick and full, half as many when one took too long. */
const first = 256
const mostAdaptive = 4096
const defaultMaxWaitMs = 20

export interface CallSizes {
  /** Never more. Default: 4,096. */
  readonly batch?: number | undefined
  readonly maxWaitMs?: number | undefined
}

export class CallSize {
  private readonly most: number
  private readonly maxWaitMs: number
  private size: number

  constructor({ batch = mostAdaptive, maxWaitMs = defaultMaxWaitMs }: CallSizes) {
    this.most = batch
    this.maxWaitMs = maxWaitMs
    this.size = Math.min(first, batch)
  }

  get rows(): number {
    return this.size
  }

  /** A call of so many rows took so long. */
  took(rows: number, ms: number): void {
    if (ms > this.maxWaitMs) this.size = Math.max(1, this.size >> 1)
    else if (rows === this.size && 2 * ms <= this.maxWaitMs) this.size = Math.min(this.most, 2 * this.size)
  }
}
