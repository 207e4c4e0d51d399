/** Offsets between what the user typed and the TypeScript it became. Without spans both are the same text. */
import type { SpanMapping } from '../cells/protocol.ts'

export function toTyped(spans: readonly SpanMapping[] | undefined, offset: number): number {
  if (spans === undefined) return offset
  let nearest: SpanMapping | undefined
  for (const span of spans) {
    if (offset >= span.at && offset < span.at + Math.max(1, span.length))
      return span.verbatim ? span.typedAt + (offset - span.at) : span.typedAt
    if (span.at <= offset && (nearest === undefined || span.at >= nearest.at)) nearest = span
  }
  if (nearest === undefined) return spans[0]?.typedAt ?? 0
  // Text of the expansion's own: the end of what stands before it is the closest place the user knows.
  return nearest.typedAt + (nearest.verbatim ? Math.min(nearest.typedLength, offset - nearest.at) : 0)
}

/** Undefined where nothing the user typed was copied (a magic's header). */
export function toSource(spans: readonly SpanMapping[] | undefined, offset: number): number | undefined {
  if (spans === undefined) return offset
  const inside = spans.filter(
    span => span.verbatim && offset >= span.typedAt && offset <= span.typedAt + span.typedLength,
  )
  const best = inside.findLast(span => offset > span.typedAt) ?? inside[0]
  return best === undefined ? undefined : best.at + (offset - best.typedAt)
}
