/**
 * What a bench module gives: named measurements. A module `benches/NAME.bench.ts` exports `measurements`; the runner takes each
 * five times (or `runs`) and keeps the median.
 */
export interface Measurement {
  /** `kernel.first-cell-ms`: area, what, unit. Budgets and the baseline refer to it. */
  readonly name: string
  readonly unit: 'ms' | 's' | 'MB' | 'events/s' | 'lines' | 'ratio' | 'bytes' | 'pictures/s' | 'kB'
  /** One number for one run. Several related ones come as a record under the names `name/KEY`. */
  readonly measure: () => Promise<number | Readonly<Record<string, number>>>
  /** Default 5. */
  readonly runs?: number | undefined
}

/** Brings what a module's measurements need and releases it; optional export `setup` of a module, returning the release. */
export type BenchSetup = () => Promise<() => Promise<void> | void>

export interface BenchModule {
  readonly measurements: readonly Measurement[]
  readonly setup?: BenchSetup | undefined
}

/** Middle value; the mean of the two middle ones for an even count. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}
