/** What may stand among the rows of `from`: watermarks and idleness told by hand. */
const MARK = Symbol.for('riffle.mark')

export type Mark =
  | { readonly [MARK]: 'watermark'; readonly watermarkMs: number; readonly partition: number | undefined }
  | { readonly [MARK]: 'idle'; readonly partition: number }

/** No row with an event time at or below `watermarkMs` is expected any more, in one partition or in all. */
export function watermark(watermarkMs: number, partition?: number): Mark {
  return { [MARK]: 'watermark', watermarkMs, partition }
}

/** The partition holds the watermark no longer, until its next row. */
export function idle(partition: number): Mark {
  return { [MARK]: 'idle', partition }
}

export function isMark(value: unknown): value is Mark {
  return typeof value === 'object' && value !== null && MARK in value
}

export function markKind(mark: Mark): 'watermark' | 'idle' {
  return mark[MARK]
}
