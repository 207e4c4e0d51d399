/**
 * Precision and recall at every threshold there is: scores and those of labelled rows are put in order once, by their bits, and walked
 * from the highest down. Columns, because a million points as objects take longer than the sort.
 */
export interface CurvePoint {
  readonly threshold: number
  readonly precision: number
  readonly recall: number
  readonly f1: number
}

export class Curve implements Iterable<CurvePoint> {
  /** Each score that occurs, highest first. */
  readonly thresholds: Float32Array
  readonly precision: Float64Array
  readonly recall: Float64Array
  readonly f1: Float64Array

  /** @param labels 1 for a row that truly is an anomaly. Rows whose score is no number are at no threshold alerts. */
  constructor(scores: Float32Array, labels: Uint8Array) {
    const all = sorted(scores, scores.length)
    const marked = new Float32Array(scores.length)
    let labelled = 0
    for (let i = 0; i < scores.length; i++) if (labels[i] === 1) marked[labelled++] = scores[i]!
    const positives = sorted(marked, labelled)
    const thresholds = new Float32Array(all.length)
    const precision = new Float64Array(all.length)
    const recall = new Float64Array(all.length)
    const f1 = new Float64Array(all.length)
    let [points, below] = [0, positives.length]
    for (let i = all.length - 1; i >= 0; i--) {
      const threshold = all[i]!
      if (i > 0 && all[i - 1] === threshold) continue
      while (below > 0 && positives[below - 1]! >= threshold) below--
      const hits = positives.length - below
      thresholds[points] = threshold
      const p = (precision[points] = hits / (all.length - i))
      const r = (recall[points] = labelled === 0 ? 0 : hits / labelled)
      f1[points++] = f1Of(p, r)
    }
    this.thresholds = thresholds.subarray(0, points)
    this.precision = precision.subarray(0, points)
    this.recall = recall.subarray(0, points)
    this.f1 = f1.subarray(0, points)
  }

  get length(): number {
    return this.thresholds.length
  }

  at(i: number): CurvePoint {
    const { thresholds, precision, recall, f1 } = this
    return { threshold: thresholds[i]!, precision: precision[i]!, recall: recall[i]!, f1: f1[i]! }
  }

  /** Place of the highest threshold with the best F1; -1 when there is no point. */
  get best(): number {
    const { f1 } = this
    let best = f1.length === 0 ? -1 : 0
    for (let i = 1; i < f1.length; i++) if (f1[i]! > f1[best]!) best = i
    return best
  }

  *[Symbol.iterator](): Iterator<CurvePoint> {
    for (let i = 0; i < this.length; i++) yield this.at(i)
  }
}

export function f1Of(precision: number, recall: number): number {
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall)
}

const DIGITS = [
  { shift: 0, mask: 0x7ff },
  { shift: 11, mask: 0x7ff },
  { shift: 22, mask: 0x3ff },
] as const

/** The first `count` values ascending, without NaN. The bits of a float are in its order once the sign is turned; three rounds put all in place. */
export function sorted(values: Float32Array, count: number): Float32Array {
  const numbers = new Float32Array(count)
  let size = 0
  // A zero has two signs, which are equal: the sum has one.
  for (let i = 0; i < count; i++) if (values[i] === values[i]) numbers[size++] = values[i]! + 0
  let from = new Uint32Array(numbers.buffer, 0, size)
  let to = new Uint32Array(size)
  for (let i = 0; i < size; i++) {
    const bits = from[i]! | 0
    from[i] = bits < 0 ? ~bits : bits ^ 0x8000_0000
  }
  for (const { shift, mask } of DIGITS) {
    const places = new Uint32Array(mask + 1)
    for (let i = 0; i < size; i++) places[(from[i]! >>> shift) & mask]!++
    for (let digit = 0, place = 0; digit <= mask; digit++) {
      const count = places[digit]!
      places[digit] = place
      place += count
    }
    for (let i = 0; i < size; i++) {
      const key = from[i]!
      to[places[(key >>> shift) & mask]!++] = key
    }
    ;[from, to] = [to, from]
  }
  for (let i = 0; i < size; i++) {
    const key = from[i]! | 0
    from[i] = key < 0 ? key ^ 0x8000_0000 : ~key
  }
  return new Float32Array(from.buffer, 0, size)
}
