/**
 * The score of the Numenta Anomaly Benchmark (NAB): one number that rewards early detections inside labelled windows and charges
 * each false alert. One threshold is chosen for the whole corpus, the one with the best sum; the sum is scaled so that no alert
 * at all is 0 and the earliest alert in each window with no false one is 100.
 *
 * Source: Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms", and the rules of NAB's own sweeper. NAB charges a
 * false alert for each row, so a detector should alert once per episode.
 */
import { StreamError } from '../errors.ts'

export interface NabFile {
  /** For error texts and reports. */
  readonly name: string
  /** One score per row, higher is more anomalous. */
  readonly scores: ArrayLike<number>
  /** First and last row of each labelled window, both inclusive, in order, without overlap. */
  readonly windows: readonly NabWindow[]
}

export interface NabWindow {
  readonly from: number
  readonly to: number
}

export type NabProfile = 'standard' | 'low-fp' | 'low-fn'

interface Weights {
  readonly tp: number
  readonly fp: number
  readonly fn: number
}

export const nabProfiles: Readonly<Record<NabProfile, Weights>> = {
  standard: { tp: 1, fp: 0.11, fn: 1 },
  'low-fp': { tp: 1, fp: 0.22, fn: 1 },
  'low-fn': { tp: 1, fp: 0.11, fn: 2 },
}

export interface NabResult {
  readonly profile: NabProfile
  /** 0: as good as no alert at all; 100: the earliest alert in every window and none elsewhere. May be negative for a fixed threshold. */
  readonly score: number
  /** A row with this score or more is an alert; Infinity when no alert at all is best. */
  readonly threshold: number
  readonly found: number
  readonly windows: number
  /** Alerts outside of all windows, in rows. */
  readonly falseAlerts: number
}

/** Rows at the start that train and are not scored: 15 %, at most 750. */
export function nabProbation(rows: number): number {
  return Math.min(Math.floor(0.15 * rows), 750)
}

/**
 * NAB's score of a corpus for one profile.
 *
 * @param threshold scores with this one instead of the best
 * @throws StreamError SCORE_INVALID for a score that is no number, a window outside of its file or windows that overlap
 */
export function nabScore(files: readonly NabFile[], profile: NabProfile = 'standard', threshold?: number): NabResult {
  const weights = nabProfiles[profile]
  const rows = files.flatMap((file, f) => scorableRows(file, f, weights))
  rows.sort((a, b) => b.score - a.score)
  const windowCount = files.reduce((sum, file) => sum + file.windows.length, 0)
  const openWindows = new Set(rows.flatMap(row => (row.window === undefined ? [] : [row.window]))).size
  const none = -openWindows * weights.fn
  const sweep = sweepThresholds(rows, none, weights, threshold)
  const perfect = windowCount * weights.tp
  return {
    profile,
    score: perfect === none ? 0 : (100 * (sweep.sum - none)) / (perfect - none),
    threshold: sweep.threshold,
    found: sweep.found,
    windows: windowCount,
    falseAlerts: sweep.falseAlerts,
  }
}

interface ScorableRow {
  readonly score: number
  /** Reward inside a window, charge (negative) outside. */
  readonly worth: number
  /** File and window; undefined outside of windows. */
  readonly window: string | undefined
}

interface Sweep {
  readonly sum: number
  readonly threshold: number
  readonly found: number
  readonly falseAlerts: number
}

/** Lowers the threshold from one score to the next; of equal sums the higher threshold stays. */
function sweepThresholds(
  rows: readonly ScorableRow[],
  none: number,
  weights: Weights,
  fixed: number | undefined,
): Sweep {
  let sum = none
  let falseAlerts = 0
  const best = new Map<string, number>()
  let result: Sweep = { sum, threshold: fixed ?? Infinity, found: 0, falseAlerts }
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as ScorableRow
    if (fixed !== undefined && row.score < fixed) break
    if (row.window === undefined) {
      sum += row.worth
      falseAlerts++
    } else {
      const before = best.get(row.window) ?? -weights.fn
      const after = Math.max(before, row.worth)
      sum += after - before
      best.set(row.window, after)
    }
    if (rows[i + 1]?.score === row.score) continue
    if (fixed !== undefined || sum > result.sum) {
      result = { sum, threshold: fixed ?? row.score, found: best.size, falseAlerts }
    }
  }
  return result
}

function scorableRows(file: NabFile, fileNumber: number, weights: Weights): ScorableRow[] {
  checkWindows(file)
  const { scores, windows } = file
  const earliest = sigma(-1)
  const rows: ScorableRow[] = []
  let next = 0
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] as number
    if (Number.isNaN(score)) throw invalid(file, `the score of row ${i} is not a number`)
    while (next < windows.length && i > (windows[next] as NabWindow).to) next++
    if (i < nabProbation(scores.length)) continue
    const window = windows[next]
    if (window !== undefined && i >= window.from) {
      const place = -(window.to - i + 1) / (window.to - window.from + 1)
      rows.push({ score, worth: (sigma(place) / earliest) * weights.tp, window: `${fileNumber}|${next}` })
    } else {
      rows.push({ score, worth: chargeAfter(windows[next - 1], i) * weights.fp, window: undefined })
    }
  }
  return rows
}

/** Charge of a false alert, 0 to −1: little just after a window, all of it before the first and far behind one. */
function chargeAfter(previous: NabWindow | undefined, i: number): number {
  if (previous === undefined) return -1
  const distance = (i - previous.to) / (previous.to - previous.from)
  return distance >= 3 ? -1 : sigma(distance)
}

/** NAB's scaled sigmoid: 0.9866 at −1, 0 at 0, towards −1 after. */
function sigma(place: number): number {
  return 2 / (1 + Math.exp(5 * place)) - 1
}

function checkWindows(file: NabFile): void {
  let end = -1
  for (const { from, to } of file.windows) {
    if (from <= end || to < from || to >= file.scores.length) {
      throw invalid(file, `window ${from} to ${to} overlaps another or lies outside of its ${file.scores.length} rows`)
    }
    end = to
  }
}

function invalid(file: NabFile, detail: string): StreamError {
  return new StreamError({ code: 'SCORE_INVALID', message: `Cannot score file "${file.name}": ${detail}` })
}
