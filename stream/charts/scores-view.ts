/**
 * A scored stream as a reader works with it: the value with its band of usual ones, the score with a threshold that may be anywhere, labels, and how
 * good alerts are. Everything is answered from the rows that are drawn, nothing is scored again.
 *
 *   rows of one key ─▶ points in time order ─▶ band of the rows before ─▶ geometry in px
 *                                          └▶ alerts as scored, at the threshold asked for, by the range rule ─▶ judgements
 */
import { finiteOrNull } from '../time/finite.ts'
import { Range } from '../scoring/detectors/range.ts'
import { Adwin } from '../scoring/drift/adwin.ts'
import { ScoreStore } from '../scoring/quality/score-store.ts'
import type { Judgement } from '../scoring/quality/score-store.ts'
import { RollingMoments } from '../scoring/rolling.ts'
import type { ChartRow, ScoresStatus } from './protocol.ts'

export const VALUE_TOP = 8
export const VALUE_BOTTOM = 128
export const SCORE_TOP = 150
export const SCORE_BOTTOM = 224
export const HEIGHT = 244
export const LEFT = 52
export const RIGHT = 12

const BAND_ROWS = 60
const BAND_LEAST = 6
const BAND_DEVIATIONS = 3

export interface ScoresWish {
  /** Value of the key; null: the first there is. */
  readonly key: string | null
  readonly feature: string | null
  /** Where the reader has put the threshold; null: as scored. */
  readonly threshold: number | null
}

export interface ScoresPicture {
  readonly keys: readonly string[]
  readonly key: string | null
  readonly feature: string
  readonly fromMs: number
  readonly toMs: number
  /** SVG paths. */
  readonly band: string
  readonly value: string
  readonly score: string
  readonly alerts: readonly Alert[]
  /** Where the range rule, which has no model, would have alerted. */
  readonly ruleAlerts: readonly number[]
  /** Where the distribution of the scores changed. */
  readonly drifts: readonly { readonly x: number; readonly atMs: number }[]
  readonly labels: readonly { readonly x: number; readonly width: number; readonly fromMs: number }[]
  /** Null while the threshold is not known, or is infinite. */
  readonly threshold: number | null
  readonly thresholdY: number
  readonly valueTicks: readonly { readonly y: number; readonly text: string }[]
  readonly scoreTicks: readonly { readonly y: number; readonly text: string }[]
  readonly timeTicks: readonly { readonly x: number; readonly atMs: number }[]
  readonly scored: Judgement
  readonly wished: Judgement
  readonly rule: Judgement
  readonly confusion: Readonly<Record<'scored' | 'wished' | 'rule', Confusion>>
  /** What the labels of the rows are; without any, quality is unknown. */
  readonly labelled: boolean
  xOf(atMs: number): number
  timeAt(x: number): number
  thresholdAt(y: number): number
}

export interface Alert {
  readonly x: number
  readonly y: number
  readonly scoreY: number
  readonly title: string
}

export interface Confusion {
  readonly hits: number
  readonly falseAlerts: number
  readonly missed: number
}

interface Point {
  readonly atMs: number
  readonly value: number
  readonly score: number
  readonly anomalous: boolean
  readonly cause: string | null
  readonly truth: boolean
}

/** Null while there is nothing to draw. Linear in the rows. */
export function scoresPicture(
  rows: readonly ChartRow[],
  status: ScoresStatus,
  wish: ScoresWish,
  width: number,
): ScoresPicture | null {
  const feature = wish.feature ?? status.features[0]
  if (feature === undefined) return null
  const keys = keysOf(rows, status.by)
  const key = wish.key !== null && keys.includes(wish.key) ? wish.key : (keys[0] ?? null)
  const mine = rows.filter(row => keyOf(row, status.by) === (key ?? ''))
  const compares = comparesOf(mine, status)
  const points = pointsOf(mine, { feature, compares, labels: status.labels })
  if (points.length === 0) return null
  const [first, last] = [points[0]!.atMs, points.at(-1)!.atMs]
  const toMs = last === first ? first + 1 : last
  const scored = thresholdOf(mine)
  const threshold = wish.threshold ?? scored

  const x = scale(first, toMs, LEFT, width - RIGHT)
  const band = bandOf(points)
  const values = [...points.map(point => point.value), ...band.flatMap(edge => (edge === null ? [] : edge))]
  const [low, high] = padded(...extremes(values))
  const y = scale(low, high, VALUE_BOTTOM, VALUE_TOP)
  const [, most] = extremes(points.map(point => point.score))
  // A threshold far above all scores stands at the edge: scores that fill the lane are what one drags it to.
  const top = 1.1 * Math.max(most, Math.min(finiteOrNull(threshold) ?? 0, 2 * most), 1e-9)
  const scoreY = scale(0, top, SCORE_BOTTOM, SCORE_TOP)

  const flags = points.map(({ score, anomalous }) =>
    wish.threshold === null ? anomalous : score > 0 && score >= wish.threshold,
  )
  const rule = ruleOf(points)
  const truths = points.map(point => point.truth)
  const labelled = truths.includes(true)
  const judged = (alerts: readonly boolean[], at: number): Judgement => ({
    ...new ScoreStore({
      scores: alerts.map(Number),
      labels: labelled ? truths : undefined,
      timesMs: points.map(point => point.atMs),
    }).judge(0.5),
    threshold: at,
  })
  const asScored = points.map(point => point.anomalous)
  return {
    keys,
    key,
    feature,
    fromMs: first,
    toMs,
    band: bandPath(points, band, x, y),
    value: linePath(points.map(point => [x(point.atMs), y(point.value)])),
    score: linePath(points.map(point => [x(point.atMs), scoreY(point.score)])),
    alerts: points.flatMap((point, i) =>
      flags[i] === true
        ? [{ x: x(point.atMs), y: y(point.value), scoreY: scoreY(point.score), title: alertText(point) }]
        : [],
    ),
    ruleAlerts: points.flatMap((point, i) => (rule[i] === true ? [x(point.atMs)] : [])),
    drifts: driftsOf(points, status.trained?.sinceMs ?? null).map(atMs => ({ atMs, x: x(atMs) })),
    labels: status.labels.flatMap(([fromMs, untilMs]) => {
      if (untilMs < first || fromMs > toMs) return []
      const at = x(Math.max(first, fromMs))
      return [{ x: at, width: Math.max(2, x(Math.min(toMs, untilMs)) - at), fromMs }]
    }),
    threshold: finiteOrNull(threshold),
    thresholdY: finiteOrNull(threshold) === null ? SCORE_TOP : Math.max(SCORE_TOP, scoreY(threshold!)),
    valueTicks: ticks(low, high, 4).map(value => ({ y: y(value), text: short(value) })),
    scoreTicks: ticks(0, top, 3).map(value => ({ y: scoreY(value), text: short(value) })),
    timeTicks: timeTicks(first, toMs).map(atMs => ({ atMs, x: x(atMs) })),
    scored: judged(asScored, scored ?? Infinity),
    wished: judged(flags, threshold ?? Infinity),
    rule: judged(rule, 0),
    confusion: {
      scored: confusionOf(asScored, truths),
      wished: confusionOf(flags, truths),
      rule: confusionOf(rule, truths),
    },
    labelled,
    xOf: x,
    timeAt: px => scale(LEFT, width - RIGHT, first, toMs)(Math.min(width - RIGHT, Math.max(LEFT, px))),
    thresholdAt: py => Math.max(0, scale(SCORE_BOTTOM, SCORE_TOP, 0, top)(Math.max(VALUE_BOTTOM, py))),
  }
}

function keyOf(row: ChartRow, by: readonly string[]): string {
  return by.map(name => String(row[name])).join(' · ')
}

function keysOf(rows: readonly ChartRow[], by: readonly string[]): string[] {
  return by.length === 0 ? [] : [...new Set(rows.map(row => keyOf(row, by)))].sort()
}

/** What alerts were compared by: told, or what the rows agree with. */
function comparesOf(rows: readonly ChartRow[], { compares }: ScoresStatus): 'score' | 'oneIn' {
  if (compares !== null) return compares === 'value' ? 'score' : 'oneIn'
  const agrees = (field: string): boolean =>
    rows.every(row => row['anomalous'] === (Number(row[field]) > 0 && Number(row[field]) >= Number(row['threshold'])))
  return !agrees('score') && agrees('oneIn') ? 'oneIn' : 'score'
}

function pointsOf(
  rows: readonly ChartRow[],
  { feature, compares, labels }: { feature: string; compares: 'score' | 'oneIn'; labels: ScoresStatus['labels'] },
): Point[] {
  const points = rows.flatMap((row): Point[] => {
    const { $at: atMs, [feature]: value, [compares]: score, anomalous, cause, label } = row
    if (typeof atMs !== 'number' || typeof value !== 'number' || typeof score !== 'number') return []
    const truth = label === true || labels.some(([fromMs, toMs]) => atMs >= fromMs && atMs <= toMs)
    const told = typeof cause === 'string' ? cause : null
    return [{ atMs, value, score, anomalous: anomalous === true, cause: told, truth }]
  })
  return points.sort((a, b) => a.atMs - b.atMs)
}

function thresholdOf(rows: readonly ChartRow[]): number | null {
  const newest = rows.findLast(row => typeof row['threshold'] === 'number')
  return newest === undefined ? null : (newest['threshold'] as number)
}

/** Mean and deviations of the usual rows before each; null where there are too few. */
function bandOf(points: readonly Point[]): (readonly [low: number, high: number] | null)[] {
  const usual = new RollingMoments(BAND_ROWS)
  return points.map(({ value, anomalous }) => {
    const [mean, reach] = [usual.mean(), BAND_DEVIATIONS * usual.deviation()]
    const known = usual.length >= BAND_LEAST
    if (!anomalous) usual.push(value)
    return known ? [mean - reach, mean + reach] : null
  })
}

/** Outside of all values before, after as many rows as a band needs. */
function ruleOf(points: readonly Point[]): boolean[] {
  const range = new Range()
  return points.map(({ value }, i) => {
    const outside = i >= BAND_ROWS && range.score(value) > 0
    range.learn(value)
    return outside
  })
}

/** Another version of a model gives other scores: that is no change of what it scores. */
function driftsOf(points: readonly Point[], sinceMs: number | null): number[] {
  let adwin = new Adwin()
  let before = true
  return points.flatMap(({ atMs, score }) => {
    if (before && sinceMs !== null && atMs > sinceMs) {
      adwin = new Adwin()
      before = false
    }
    return adwin.learnOne(score) ? [atMs] : []
  })
}

function confusionOf(alerts: readonly boolean[], truths: readonly boolean[]): Confusion {
  let [hits, falseAlerts, missed] = [0, 0, 0]
  alerts.forEach((alert, i) => {
    if (alert && truths[i] === true) hits++
    else if (alert) falseAlerts++
    else if (truths[i] === true) missed++
  })
  return { hits, falseAlerts, missed }
}

function bandPath(
  points: readonly Point[],
  band: readonly (readonly [number, number] | null)[],
  x: (atMs: number) => number,
  y: (value: number) => number,
): string {
  const known = points.flatMap((point, i) => {
    const edge = band[i] ?? null
    return edge === null ? [] : [[x(point.atMs), y(edge[0]), y(edge[1])] as const]
  })
  if (known.length === 0) return ''
  const upper = known.map(([at, , high]) => [at, high] as const)
  const lower = known.map(([at, low]) => [at, low] as const).reverse()
  return `${linePath([...upper, ...lower])}Z`
}

function linePath(points: readonly (readonly [x: number, y: number])[]): string {
  return points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('')
}

function scale(from: number, to: number, first: number, last: number): (value: number) => number {
  const span = to - from || 1
  return value => first + ((value - from) / span) * (last - first)
}

function padded(low: number, high: number): readonly [number, number] {
  const air = 0.06 * (high - low || Math.abs(high) || 1)
  return [low - air, high + air]
}

/** Least and most, without spreading thousands of arguments. */
function extremes(values: readonly number[]): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity]
  for (const value of values) {
    if (value < low) low = value
    if (value > high) high = value
  }
  return [low, high]
}

/** Round numbers within. */
function ticks(low: number, high: number, about: number): number[] {
  const rough = (high - low) / about
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5].find(factor => rough <= factor * power) ?? 10)
  const found: number[] = []
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) found.push(Math.abs(at) < step / 1e6 ? 0 : at)
  return found
}

/** Five instants; whole seconds where there are enough of them. */
function timeTicks(fromMs: number, toMs: number): number[] {
  const unit = toMs - fromMs > 20_000 ? 1000 : 1
  return Array.from({ length: 5 }, (_, i) => unit * Math.round((fromMs + ((toMs - fromMs) * (i + 0.5)) / 5) / unit))
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)))
}

function alertText({ value, score, cause }: Point): string {
  return `${short(value)}, score ${short(score)}${cause === null ? '' : `: ${cause}`}`
}
