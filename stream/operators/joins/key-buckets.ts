/**
 * Which keys have rows that leave by when, in coarse buckets: no timer per row. A bucket is taken once the watermark has passed
 * all of it, so rows stay up to a bucket longer than they must; they can match nothing any more.
 */
export class KeyBuckets {
  private readonly widthMs: number
  private readonly buckets = new Map<number, number[]>()
  /** Numbers of the buckets, ascending. */
  private order: number[] = []
  private readonly lastOf: number[]

  /** `keyCount`: key ids that will come in no order are below this. */
  constructor(spanMs: number, keyCount = 0) {
    this.widthMs = Math.max(1, Math.ceil(spanMs / 16))
    // An array that is filled from far beyond its end becomes a slow table.
    this.lastOf = new Array<number>(keyCount)
  }

  add(deadlineMs: number, keyId: number): void {
    const number = Math.floor(deadlineMs / this.widthMs)
    if (this.lastOf[keyId] === number) return
    let bucket = this.buckets.get(number)
    if (bucket === undefined) {
      this.buckets.set(number, (bucket = []))
      this.enter(number)
    }
    bucket.push(keyId)
    this.lastOf[keyId] = number
  }

  /** Keys of all buckets that are over, each maybe more than once. */
  take(watermarkMs: number, visit: (keyId: number) => void): void {
    for (;;) {
      const number = this.order[0]
      if (number === undefined || (number + 1) * this.widthMs - 1 > watermarkMs) return
      this.order.shift()
      const keys = this.buckets.get(number) as number[]
      this.buckets.delete(number)
      for (const keyId of keys) {
        if (this.lastOf[keyId] === number) this.lastOf[keyId] = NaN
        visit(keyId)
      }
    }
  }

  private enter(number: number): void {
    let at = this.order.length
    while (at > 0 && (this.order[at - 1] as number) > number) at--
    this.order.splice(at, 0, number)
  }
}
