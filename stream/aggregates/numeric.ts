/**
 * Aggregates that are a few numbers per key, as the text of what happens to them: the loops of a window are made from these
 * texts, so a window of count and sum runs as if it were written by hand.
 *
 * In the texts `f` holds the numbers from place `o` on, `x` is the value, `w` its weight (1 or −1), `g` and `p` are the other
 * side of a merge, `rows` the number of rows of the key.
 */
export interface Numeric {
  readonly start: readonly number[]
  readonly add: string
  readonly merge: string
  readonly result: string
  /** A row with weight −1 undoes what it did. */
  readonly takesBack: boolean
}

const count: Numeric = { start: [], add: '', merge: '', result: 'rows', takesBack: true }

/** Total, number of values. */
const sum: Numeric = {
  start: [0, 0],
  add: 'f[o] += x * w; f[o + 1] += w',
  merge: 'f[o] += g[p]; f[o + 1] += g[p + 1]',
  result: 'f[o + 1] === 0 ? null : f[o]',
  takesBack: true,
}

const mean: Numeric = { ...sum, result: 'f[o + 1] === 0 ? null : f[o] / f[o + 1]' }

/** The extreme with the number of values beside it, because a value may itself be infinite. */
const min: Numeric = {
  start: [Infinity, 0],
  add: 'if (x < f[o]) f[o] = x; f[o + 1] += 1',
  merge: 'if (g[p] < f[o]) f[o] = g[p]; f[o + 1] += g[p + 1]',
  result: 'f[o + 1] === 0 ? null : f[o]',
  takesBack: false,
}

const max: Numeric = {
  ...min,
  start: [-Infinity, 0],
  add: 'if (x > f[o]) f[o] = x; f[o + 1] += 1',
  merge: 'if (g[p] > f[o]) f[o] = g[p]; f[o + 1] += g[p + 1]',
}

/**
 * Number of values, mean, sum of squared distances from it (Welford 1962; the merge is Chan, Golub and LeVeque 1979): a sum of
 * squares would lose all digits of values far from zero.
 */
const stddev: Numeric = {
  start: [0, 0, 0],
  add: `if (w > 0) { const n = f[o] += 1, d = x - f[o + 1]; f[o + 1] += d / n; f[o + 2] += d * (x - f[o + 1]) }
    else { const n = f[o] -= 1, d = x - f[o + 1]; f[o + 1] = n === 0 ? 0 : f[o + 1] - d / n; f[o + 2] = n === 0 ? 0 : f[o + 2] - d * (x - f[o + 1]) }`,
  merge: `if (g[p] > 0) { const n = f[o] + g[p], d = g[p + 1] - f[o + 1]; f[o + 2] += g[p + 2] + d * d * f[o] * g[p] / n
    f[o + 1] += d * g[p] / n; f[o] = n }`,
  result: 'f[o] < 2 ? null : Math.sqrt(Math.max(0, f[o + 2]) / (f[o] - 1))',
  takesBack: true,
}

export const NUMERIC = { count, sum, mean, min, max, stddev } as const satisfies Readonly<Record<string, Numeric>>

export function isNumeric(kind: string): kind is keyof typeof NUMERIC {
  return Object.hasOwn(NUMERIC, kind)
}
