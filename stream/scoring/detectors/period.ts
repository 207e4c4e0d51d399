/** The season of a series: the lag at which it looks most like itself, from its autocorrelation. */

/** Rows of one season, at least 4 and at most half of the values; undefined when none stands out. */
export function findPeriod(values: readonly number[]): number | undefined {
  const n = values.length
  const mean = values.reduce((sum, v) => sum + v, 0) / n
  const centered = values.map(v => v - mean)
  const energy = centered.reduce((sum, v) => sum + v * v, 0)
  if (energy === 0) return undefined
  const longest = Math.floor(n / 2)
  const correlation = new Float64Array(longest + 2)
  for (let lag = 1; lag <= longest + 1; lag++) {
    let sum = 0
    for (let i = lag; i < n; i++) sum += (centered[i] as number) * (centered[i - lag] as number)
    // Per pair, so that long lags are not paler for having fewer.
    correlation[lag] = ((sum / energy) * n) / Math.max(1, n - lag)
  }
  let best: number | undefined
  let below = false
  for (let lag = 2; lag <= longest; lag++) {
    const here = correlation[lag] as number
    // The slope down from lag 0 is no season: the correlation has to fall first.
    below ||= here < 0.2
    const peak = here >= (correlation[lag - 1] as number) && here >= (correlation[lag + 1] as number)
    // A multiple of the season is only a little better by chance.
    if (
      below &&
      lag >= 4 &&
      peak &&
      here > 0.4 &&
      here > 0.05 + (best === undefined ? 0 : (correlation[best] as number))
    )
      best = lag
  }
  return best
}
