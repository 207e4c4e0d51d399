import type { Side } from './two-sides.ts'

/** Of a list that is empty: it gets arrays of its own with its first row. */
const NO_TIMES: number[] = []
const NO_ROWS: unknown[] = []

/** The waiting rows of one key and side, ordered by time, equal times by arrival. Old ones leave at the front. */
export class TimedRows {
  times = NO_TIMES
  rows = NO_ROWS
  /** Beside the rows when the side is padded. */
  marks: Mark[] | undefined
  /** Rows before this have left. */
  head = 0

  get count(): number {
    return this.times.length - this.head
  }

  insert(timeMs: number, row: unknown, mark: Mark | undefined): void {
    const { times } = this
    const end = times.length
    if (end === this.head || timeMs >= (times[end - 1] as number)) {
      // A first push makes room for seventeen: most keys hold one or two rows, and there are many keys.
      if (end === 0) {
        this.times = [timeMs]
        this.rows = [row]
      } else if (end < 4) {
        this.times = times.concat(timeMs)
        this.rows = this.rows.concat([row])
      } else {
        times.push(timeMs)
        this.rows.push(row)
      }
      if (mark === undefined) return
      if (this.marks === undefined) this.marks = [mark]
      else if (end < 4) this.marks = this.marks.concat(mark)
      else this.marks.push(mark)
      return
    }
    const at = this.firstAfter(timeMs)
    times.splice(at, 0, timeMs)
    this.rows.splice(at, 0, row)
    if (mark !== undefined) this.marks?.splice(at, 0, mark)
  }

  /** Index of the first row at or after a time. */
  firstFrom(timeMs: number): number {
    const { times } = this
    let low = this.head
    let high = times.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((times[middle] as number) < timeMs) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Index of the first row after a time. */
  firstAfter(timeMs: number): number {
    const { times } = this
    let low = this.head
    let high = times.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((times[middle] as number) <= timeMs) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Lets go of all rows at or before a time; how many. */
  expire(timeMs: number): number {
    return this.dropFront(this.firstAfter(timeMs))
  }

  /** Lets go of the rows before an index; how many. */
  dropFront(until: number): number {
    const gone = until - this.head
    this.head = until
    if (this.head > 16 && this.head * 2 > this.times.length) {
      this.times = this.times.slice(this.head)
      this.rows = this.rows.slice(this.head)
      this.marks = this.marks?.slice(this.head)
      this.head = 0
    } else for (let i = until - gone; i < until; i++) this.rows[i] = undefined
    return gone
  }

  removeAt(at: number): void {
    this.times.splice(at, 1)
    this.rows.splice(at, 1)
    this.marks?.splice(at, 1)
  }
}

/** A row that is padded when it finds nobody, and whether it has found somebody. */
export interface Mark {
  readonly side: Side
  /** It matches nobody and stands in no list. */
  readonly keyless: boolean
  matched: boolean
  readonly timeMs: number
  readonly row: unknown
  /** Order of arrival. */
  readonly sequence: number
}
