/** An instant as a page is told it: a watermark of nothing, and the end of all time, are null. */
export function finiteOrNull(ms: number | null): number | null {
  return ms !== null && Number.isFinite(ms) ? ms : null
}
