/** How often properties run: `RUNS=1000`, or `LONG=1`. The seed of a failure is printed by fast-check; `SEED=n` repeats it. */
export function settings(runs = 200): { numRuns: number; seed?: number } {
  const numRuns = Number(process.env['RUNS'] ?? (process.env['LONG'] === undefined ? runs : runs * 50))
  const seed = process.env['SEED']
  return seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) }
}

/** Hang limit of a test with a count of its own: a long run has fifty times the runs. */
export function hangLimitMs(shortMs: number): number {
  return process.env['LONG'] === undefined ? shortMs : shortMs * 50
}
