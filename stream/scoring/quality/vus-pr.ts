/**
 * Volume under the surface of precision and recall: labels are widened on both sides with a falling ramp, by 0 to `most` rows, and the
 * area under precision over recall is averaged over the widths. It needs no threshold and forgives an alert just beside its label.
 *
 * Source: Paparrizos et al., "Volume Under the Surface" (2022), as TSB-AD computes it: 250 thresholds.
 */
const thresholds = 250

/** @param most half of it on each side, at most; 100, or the period */
export function vusPr(scores: ArrayLike<number>, labels: ArrayLike<boolean | number>, most = 100): number {
  const segments = segmentsOf(labels)
  if (segments.length === 0 || scores.length === 0) return 0
  const sorted = Float64Array.from(scores).sort().reverse()
  let sum = 0
  for (let width = 0; width <= most; width++) sum += area(scores, segments, sorted, width)
  return sum / (most + 1)
}

export interface Segment {
  readonly from: number
  readonly to: number
}

export function segmentsOf(labels: ArrayLike<boolean | number>): Segment[] {
  const segments: Segment[] = []
  for (let i = 0; i < labels.length; i++) {
    if (!labels[i] || (i > 0 && labels[i - 1])) continue
    let to = i
    while (to + 1 < labels.length && labels[to + 1]) to++
    segments.push({ from: i, to })
  }
  return segments
}

function area(scores: ArrayLike<number>, segments: readonly Segment[], sorted: Float64Array, width: number): number {
  const n = scores.length
  const soft = softened(segments, n, width)
  const wide = widened(segments, n, Math.floor(width / 2))
  const positives = segments.reduce((sum, { from, to }) => sum + to - from + 1, 0)
  const inside = new Uint8Array(n)
  for (const { from, to } of segments) inside.fill(1, from, to + 1)
  let [before, result] = [0, 0]
  for (let t = 0; t < thresholds; t++) {
    const threshold = sorted[Math.floor((t * (n - 1)) / (thresholds - 1))]!
    const { recall, precision } = at(scores, threshold, { soft, wide, inside, positives })
    result += (recall - before) * precision
    before = recall
  }
  return result
}

interface Surface {
  readonly soft: Float64Array
  readonly wide: readonly Segment[]
  readonly inside: Uint8Array
  readonly positives: number
}

function at(scores: ArrayLike<number>, threshold: number, { soft, wide, inside, positives }: Surface) {
  let predicted = 0
  for (let i = 0; i < scores.length; i++) if (scores[i]! >= threshold) predicted++
  let [hits, weight, found] = [0, 0, 0]
  for (const { from, to } of wide) {
    let any = false
    for (let i = from; i <= to; i++) {
      const alert = scores[i]! >= threshold
      any ||= alert
      if (alert) hits += soft[i]!
      weight += inside[i] === 1 ? 1 : alert ? soft[i]! : 0
    }
    if (any) found++
  }
  const recall = Math.min(1, hits / ((positives + weight) / 2)) * (found / wide.length)
  return { recall, precision: predicted === 0 ? 1 : hits / predicted }
}

function softened(segments: readonly Segment[], n: number, width: number): Float64Array {
  const soft = new Float64Array(n)
  const half = Math.floor(width / 2)
  for (const { from, to } of segments) {
    soft.fill(1, from, to + 1)
    for (let i = to + 1; i <= Math.min(to + half, n - 1); i++)
      soft[i] = Math.min(1, soft[i]! + Math.sqrt(1 - (i - to) / width))
    for (let i = Math.max(from - half, 0); i < from; i++)
      soft[i] = Math.min(1, soft[i]! + Math.sqrt(1 - (from - i) / width))
  }
  return soft
}

function widened(segments: readonly Segment[], n: number, half: number): Segment[] {
  const wide: { from: number; to: number }[] = []
  for (const { from, to } of segments) {
    const last = wide.at(-1)
    if (last !== undefined && last.to >= from - half) last.to = Math.min(to + half, n - 1)
    else wide.push({ from: Math.max(from - half, 0), to: Math.min(to + half, n - 1) })
  }
  return wide
}
