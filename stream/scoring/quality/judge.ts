/** `judge` and `compare`: how good scores are, at any threshold, and what another scorer would have said of the same rows. */
import { eventTime } from '../../event-time-of.ts'
import { StreamError } from '../../errors.ts'
import type { Stream } from '../../stream.ts'
import { told } from '../../told.ts'
import type { Score } from '../scorer.ts'
import type { Labels } from './labels.ts'
import { ScoreStore } from './score-store.ts'
import type { Judgement } from './score-store.ts'

export interface JudgeOptions {
  /** Default: the threshold the scores were made with. */
  readonly threshold?: number | undefined
  /** Labels by event time, or the field that holds them. Default: `score.label`, as `--labels` keeps it. */
  readonly labels?: Labels | string | undefined
  /** Rows that are read of a stream. Default 10,000. */
  readonly rows?: number | undefined
}

type ScoredRow = { readonly score: Score }

/** Stored scores with a table of what a threshold gives. */
export class Judged {
  readonly store: ScoreStore
  /** At the threshold asked for. */
  readonly now: Judgement

  /** @internal Made by `judge`. */
  constructor(store: ScoreStore, threshold: number) {
    this.store = store
    this.now = store.judge(threshold)
    told(this, tableOf(this))
  }

  /** The same scores at another threshold, at once. */
  at(threshold: number): Judgement {
    return this.store.judge(threshold)
  }

  /** The threshold with the best F1; undefined without labels. */
  get best(): Judgement | undefined {
    return this.store.best()
  }
}

/**
 * Precision, recall, F1 and alerts per hour of scores at a threshold; `at` answers any other from the stored scores.
 *
 * @throws StreamError SCORE_INVALID when the rows have no score
 * @example
 * ```ts
 * const judged = await judge(scored, { rows: 5000 })
 * judged.at(3).f1
 * ```
 */
export async function judge<T extends ScoredRow>(
  source: Stream<T> | readonly T[],
  options: JudgeOptions = {},
): Promise<Judged> {
  const rows = await rowsOf(source, options.rows)
  const truth = labelsOf(rows, options.labels)
  const store = new ScoreStore({
    scores: rows.map(row => row.score.value),
    labels: truth,
    timesMs: rows.map(row => eventTime(row) ?? 0),
  })
  return new Judged(store, options.threshold ?? rows.at(-1)?.score.threshold ?? Infinity)
}

async function rowsOf<T extends ScoredRow>(source: Stream<T> | readonly T[], most = 10_000): Promise<readonly T[]> {
  const rows = Array.isArray(source) ? (source as readonly T[]) : await (source as Stream<T>).take(most)
  if (rows.length > 0 && typeof (rows[0] as Partial<ScoredRow>).score?.value !== 'number')
    throw new StreamError({
      code: 'SCORE_INVALID',
      message: 'Cannot judge rows: they have no column score',
      hint: '%%score STREAM --features a,b',
    })
  return rows
}

function labelsOf(rows: readonly ScoredRow[], labels: JudgeOptions['labels']): boolean[] | undefined {
  if (typeof labels === 'string')
    return rows.map(row => Boolean((row as unknown as Readonly<Record<string, unknown>>)[labels]))
  if (labels !== undefined) return rows.map(row => labels.has(eventTime(row) ?? NaN))
  return rows.some(row => row.score.label !== undefined) ? rows.map(row => row.score.label === true) : undefined
}

export interface Difference<T> {
  /** Rows that only the first, only the second, and both call anomalous. */
  readonly lost: readonly T[]
  readonly gained: readonly T[]
  readonly both: readonly T[]
  readonly rows: number
  /** What the alerts of each are worth; precision and recall are null without labels. */
  readonly before: Judgement
  readonly after: Judgement
}

/**
 * The same rows through two scorers: what the second finds more and less. Rows are taken in their order, so both must read the same
 * source from its beginning, best a recording.
 *
 * @throws StreamError SCORE_INVALID when the two do not give the same rows
 */
export async function compare<T extends ScoredRow>(
  first: Stream<T> | readonly T[],
  second: Stream<T> | readonly T[],
  options: Omit<JudgeOptions, 'threshold'> = {},
): Promise<Difference<T>> {
  const [before, after] = await Promise.all([rowsOf(first, options.rows), rowsOf(second, options.rows)])
  const odd = before.findIndex((row, i) => after[i] === undefined || eventTime(row) !== eventTime(after[i]))
  if (before.length !== after.length || odd >= 0)
    throw new StreamError({
      code: 'SCORE_INVALID',
      message: `Cannot compare: the first gives ${before.length} rows, the second ${after.length}${odd < 0 ? '' : `, and row ${odd} is another one`}`,
      hint: 'Score the same recording twice: %replay FILE --speed max',
    })
  const lost = before.filter((row, i) => row.score.anomalous && !after[i]!.score.anomalous)
  const gained = after.filter((row, i) => row.score.anomalous && !before[i]!.score.anomalous)
  const both = before.filter((row, i) => row.score.anomalous && after[i]!.score.anomalous)
  const truth = labelsOf(before, options.labels)
  const [was, is] = [judgedAlerts(before, truth), judgedAlerts(after, truth)]
  const text = `${before.length} rows: ${both.length} alerts of both, ${gained.length} gained, ${lost.length} lost`
  const table = [['', 'before', 'after'], ...qualityRows.map(name => [name, cellOf(was[name]), cellOf(is[name])])]
  const lines = table.map(([name = '', ...cells]) => name.padEnd(15) + cells.map(cell => cell.padStart(9)).join(''))
  return told(
    { lost, gained, both, rows: before.length, before: was, after: is },
    [text, ...lines, ...(truth === undefined ? ['no labels: precision and recall are unknown'] : [])].join('\n'),
  )
}

const qualityRows = ['alerts', 'episodes', 'precision', 'recall', 'f1', 'eventF1'] as const

function cellOf(value: number | null): string {
  return value === null ? '' : Number.isInteger(value) ? String(value) : value.toFixed(3)
}

/** Of the alerts as each row has them, whatever they were compared with. */
function judgedAlerts(rows: readonly ScoredRow[], labels: readonly boolean[] | undefined): Judgement {
  const store = new ScoreStore({
    scores: rows.map(row => Number(row.score.anomalous)),
    labels,
    timesMs: rows.map(row => eventTime(row) ?? 0),
  })
  return { ...store.judge(0.5), threshold: rows.at(-1)?.score.threshold ?? Infinity }
}

function tableOf({ now, store }: Judged): string {
  const percent = (x: number | null) => (x === null ? 'unknown' : x.toFixed(3))
  const lines = [
    `${store.size} rows, threshold ${Number(now.threshold.toPrecision(4))}: ${now.alerts} alerts in ${now.episodes} episodes` +
      (now.alertsPerHour === null ? '' : `, ${now.alertsPerHour.toFixed(1)} an hour`),
    now.f1 === null
      ? 'no labels: precision and recall are unknown'
      : `precision ${percent(now.precision)}, recall ${percent(now.recall)}, F1 ${percent(now.f1)}; by events ${percent(now.eventPrecision)}, ${percent(now.eventRecall)}, ${percent(now.eventF1)}`,
  ]
  return lines.join('\n')
}
