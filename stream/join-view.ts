/**
 * What a page shows of a join at work: a sample of the rows of both sides, which of them met, what waits and until when, and what left
 * alone. Plain data, small enough to go with each status of a chart.
 */
export interface JoinView {
  /** Of both inputs together: what waits leaves by it. */
  readonly watermarkMs: number | null
  /** The watermark when somebody began to look; null: from the first row on. */
  readonly sinceMs: number | null
  /** False: rows of a single key come too fast to be followed, they are only counted. */
  readonly followed: boolean
  /** Rows of one key in so many are followed: 1 where rows do not come too fast. */
  readonly everyKey: number
  /** Left, right. */
  readonly sides: readonly [JoinSideView, JoinSideView]
  readonly rows: readonly ViewedRow[]
  /** Pairs that met, as places in `rows`. */
  readonly lines: readonly (readonly [left: number, right: number])[]
  /** The newest, newest last. */
  readonly unmatched: readonly UnmatchedRow[]
}

export interface JoinSideView {
  /** Rows the join holds of this side, and about how much memory they take. */
  readonly rowCount: number
  readonly bytes: number
  /** Of the rows followed for the picture: found somebody, wait for the first one, left without. */
  readonly matchedCount: number
  readonly waitingCount: number
  /** Versions and rows of a table that nobody has asked for: they wait for nobody. */
  readonly keptCount: number
  readonly unmatchedCount: number
  /** Waited, and were too many to be followed to their end. */
  readonly unfollowedCount: number
}

export interface ViewedRow {
  /** The same row has the same number in the next view of its side. */
  readonly number: number
  readonly side: 0 | 1
  readonly key: string | null
  readonly atMs: number
  readonly state: 'matched' | 'waiting' | 'kept' | 'unmatched'
  /** Watermark at which it leaves; null: no time ends it. */
  readonly untilMs: number | null
}

export interface UnmatchedRow {
  readonly number: number
  readonly side: 0 | 1
  readonly key: string | null
  readonly atMs: number
  /** Watermark at which it left; null: at once. */
  readonly endedMs: number | null
  /** Its time was over; it has no key; there was no such key when it was looked up. */
  readonly reason: 'time' | 'noKey' | 'absent'
  readonly row: string
}
