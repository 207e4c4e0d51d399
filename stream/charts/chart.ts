/**
 * One chart in the engine: its rows, what is known of its columns and series, and the picture drawn from them. When rows
 * bring a new column or series the picture changes (`respec`), otherwise only rows do.
 */
import { finiteOrNull } from '../time/finite.ts'
import { followChanges, NO_CHANGES, savedChanges } from './changes.ts'
import { chartBundle, savedRows } from './fallback.ts'
import { ChartModel } from './model.ts'
import { chartSpec, markOf, seriesField } from './spec.ts'
import { formOf } from './forms/index.ts'
import { grouped } from './counts.ts'
import { PROTOCOL_VERSION } from './protocol.ts'
import { promisedColumns, widenColumns } from './columns.ts'
import { leftText } from './time-left.ts'
import { byName, COLOURED_SERIES, isSeries } from './top-series.ts'
import { foldOptions, seriesRoom, tellsSeries } from './other-options.ts'
import { MOST_ROWS, retentionFor } from './retain.ts'
import { validateSpec } from './validate.ts'
import type {
  ChartChanges,
  ChartColumn,
  ChartDelta,
  ChartFrame,
  ChartOptions,
  ChartRow,
  ChartStatus,
  JoinStatus,
  UnmatchedRow,
  LiveBundle,
  MimeBundle,
  Retention,
  ScoresStatus,
} from './protocol.ts'
import { EMPTY_JOIN } from './lanes.ts'
import type { ChartConcept, JoinConcept, ScoresConcept } from './concept.ts'
import type { Series } from './top-series.ts'
import type { Spec } from './spec.ts'
import type { StreamState, StreamStats } from '../model.ts'
import type { TapFrame, TapOptions } from './tap.ts'

const DEFAULT_FPS = 10
/** Of rows that left without a partner, in each status. */
const UNMATCHED_TOLD = 24
const ERROR_LINES = 5

/** A chart in a checkpoint: as many rows as it can draw, as long as they are small. */
const KEPT = { rows: MOST_ROWS, bytes: 1_000_000 }

/** A chart of a stream that goes on in another process. */
export interface KeptChart {
  /** Which of the charts of its stream it is. */
  readonly options: ChartOptions
  readonly rows: readonly ChartRow[]
  readonly series: readonly unknown[]
  /** State of its tap at the snapshot of its stream. */
  readonly tap: unknown
}

export interface ChartParts {
  readonly chartId: string
  readonly stream: string
  readonly concept: ChartConcept
  readonly options: ChartOptions
  /** Used when the options have none. */
  readonly title: string
}

export class Chart {
  readonly chartId: string
  readonly stream: string
  readonly options: ChartOptions
  readonly title: string
  readonly fps: number
  #concept: ChartConcept
  #retention: Retention
  #model: ChartModel
  #columns: readonly ChartColumn[]
  #series: Series[] = []
  #spec: Spec | null = null
  #removed: readonly string[] = []
  /** The newest changes; undefined as long as nobody asked for them. */
  #changes: ChartChanges | undefined
  #counts: ChartStatus['changes']
  #status: ChartStatus = emptyStatus('starting')
  #unmatched: readonly UnmatchedRow[] = []
  /** About the stream's source; what the chart leaves out. */
  #told: string | undefined
  #leftOut: string | null = null
  #end: ChartFrame['end']
  /** It cannot draw its stream, which goes on. */
  #refused = false
  /** The version of the model that scored last, and the newest row when it came. */
  #version: number | null = null
  #sinceMs: number | null = null

  constructor({ chartId, stream, concept, options, title }: ChartParts) {
    this.title = options.title ?? title
    this.chartId = chartId
    this.stream = stream
    this.options = options
    this.fps = Math.min(20, Math.max(1, options.fps ?? formOf(markOf({ concept, options }))?.fps ?? DEFAULT_FPS))
    this.#concept = concept
    this.#status = statusBefore(concept)
    this.#retention = retentionFor(concept, options)
    this.#model = new ChartModel(this.#retention)
    this.#columns = columnsOf(concept)
    this.#design()
  }

  /** Rows of a join that left without a partner, all that are kept: asked for by whoever lists them. */
  get unmatched(): readonly UnmatchedRow[] {
    return this.#unmatched
  }

  get status(): ChartStatus {
    return this.#status
  }

  get end(): ChartFrame['end'] {
    return this.#end
  }

  get rows(): ReturnType<ChartModel['rows']> {
    return this.#model.rows()
  }

  get changes(): ChartChanges | undefined {
    return this.#changes
  }

  get retention(): Retention {
    return this.#retention
  }

  get respec(): NonNullable<ChartFrame['respec']> {
    return { spec: this.#spec, columns: this.#columns, retention: this.#retention, title: this.title }
  }

  tap(): TapOptions {
    const { color, mark, x } = this.options
    const series = color ?? null
    const latestBy =
      this.#concept.form === 'rows' ? (series !== null ? [series] : x !== undefined ? [x] : []) : this.#concept.by
    const latest = this.#retention.latestPerKey === true
    const fold = foldOptions(this.#concept, this.options, this.#retention)
    const apart = this.#concept.form !== 'running' && tellsSeries(this.#concept, this.options)
    const places = apart ? COLOURED_SERIES : this.#retention.rows
    return {
      concept: this.#concept,
      retention: this.#retention,
      latestBy: latest && mark !== 'number' ? latestBy : [],
      seriesBy:
        this.#concept.form === 'window' || (this.#concept.form === 'running' && this.#concept.by.length > 1)
          ? this.#concept.by
          : series !== null
            ? [series]
            : (this.#concept.scores?.by ?? []),
      seriesLimit: fold.other === undefined ? places : seriesRoom(this.#concept, fold.other),
      ...fold,
    }
  }

  /** The stream behind the name was replaced: nothing of the old one stays. */
  replace(concept: ChartConcept): void {
    this.#concept = concept
    this.#retention = retentionFor(concept, this.options)
    this.#model = new ChartModel(this.#retention)
    this.#columns = columnsOf(concept)
    this.#series = []
    this.#changes = undefined
    this.#counts = undefined
    this.#end = undefined
    this.#refused = false
    this.#version = null
    this.#sinceMs = null
    this.#status = statusBefore(concept)
    this.#design()
  }

  /** What the next process needs to draw on: the newest rows, and the order of the series, which is that of their colours. */
  keep(): Omit<KeptChart, 'tap'> {
    return { options: this.options, rows: savedRows(this.rows, KEPT), series: this.#series }
  }

  /** Goes on with what `keep` gave in another process. Before the first frame. */
  restore({ rows, series }: Omit<KeptChart, 'tap'>): void {
    this.#series = series.filter(isSeries)
    this.#learn(this.#model.apply({ upsert: rows, remove: [] }), undefined)
    this.#design()
  }

  /** Takes what the tap saw. `redesigned` says that a new column or series changed the picture. */
  apply(frame: TapFrame): { readonly delta: ChartDelta; readonly redesigned: boolean } {
    const delta = this.#model.apply(frame.delta)
    this.#count(frame)
    this.#notice(frame)
    return { delta, redesigned: this.#learn(delta, frame.changes, frame.folded?.series) }
  }

  #count({ seenCount, retractedCount, changes }: TapFrame): void {
    if (changes !== undefined) this.#changes = followChanges(this.#changes, changes)
    if (this.#concept.retracts === true || retractedCount > 0)
      this.#counts = { insertedCount: seenCount - retractedCount, retractedCount }
    if (this.#counts !== undefined) this.#status = { ...this.#status, changes: this.#counts }
  }

  setStats(stats: StreamStats, errors: readonly string[]): void {
    this.#told = stats.notice
    const state = this.#refused ? 'failed' : stats.state
    const { recordsPerSecond, recordCount, rowCount, watermarkMs, lagCount, lateCount, droppedCount, errorCount } =
      stats
    const finite = finiteOrNull(watermarkMs)
    this.#status = {
      ...{
        state,
        recordsPerSecond,
        recordCount,
        rowCount,
        watermarkMs: finite,
        lagCount,
        lateCount,
        droppedCount,
        errorCount,
      },
      errors: errors.slice(-ERROR_LINES).map(line => line.split('\n', 1)[0] ?? ''),
      notice: noticeOf([stats.notice, this.#leftOut]),
      ...(stats.waitingCount === undefined ? {} : { waitingCount: stats.waitingCount }),
      ...(this.#counts === undefined ? {} : { changes: this.#counts }),
      ...(this.#concept.form === 'window' && stats.time !== undefined ? { time: stats.time } : {}),
      ...(this.#concept.pattern !== undefined && stats.pattern !== undefined ? { pattern: stats.pattern } : {}),
      ...(this.#concept.join === undefined ? {} : { join: this.#joinStatus(this.#concept.join, stats) }),
      ...(this.#concept.scores === undefined ? {} : { scores: this.#scoresStatus(this.#concept.scores, stats) }),
    }
    // A stream that runs again (a replay, a resume after stop) has no end any more.
    if (state === 'running' || state === 'paused') this.#end = undefined
  }

  /** What was seen last stays when nobody looks any more. */
  #joinStatus(concept: JoinConcept, { join }: StreamStats): JoinStatus {
    if (join === undefined) return { ...(this.#status.join ?? EMPTY_JOIN), ...concept }
    this.#unmatched = join.unmatched
    // With each status go the newest only.
    return { ...join, unmatched: join.unmatched.slice(-UNMATCHED_TOLD), ...concept }
  }

  #scoresStatus(scores: ScoresConcept, { labels, model }: StreamStats): ScoresStatus {
    const status = { ...scores, labels: labels?.ranges ?? [], labelFile: labels?.file ?? '' }
    if (model === undefined) return status
    if (this.#version !== null && model.version > this.#version) this.#sinceMs = newestAt(this.rows)
    this.#version = model.version
    return { ...status, trained: { ...model, sinceMs: this.#sinceMs } }
  }

  /** What the chart draws is not in its stream any more; only another stream of that name ends this. */
  refuse(reason: string): void {
    this.finish('failed', reason)
    this.#refused = true
  }

  finish(state: StreamState, reason: string): void {
    if (this.#refused) return
    this.#status = { ...this.#status, state, recordsPerSecond: 0 }
    this.#end = { state, reason }
  }

  bundle(instance: string, sequence: number): MimeBundle {
    const changes = this.options.changes === true ? { changes: savedChanges(this.#changes ?? NO_CHANGES) } : {}
    const live: LiveBundle = {
      protocol: PROTOCOL_VERSION,
      instance,
      chartId: this.chartId,
      stream: this.stream,
      fps: this.fps,
      ...this.respec,
      last: { sequence, savedAt: null, rows: savedRows(this.rows), status: this.#status, ...changes },
    }
    return chartBundle(live, this.options.zone)
  }

  #learn(delta: ChartDelta, changes: ChartChanges | undefined, told?: readonly Series[]): boolean {
    const settled = new Set(promisedColumns(this.#concept).map(column => column.name))
    // A row that came and went between two ticks is seen among the changes only.
    const rows = [...delta.upsert, ...(changes?.entries ?? []).map(({ row }) => row)]
    const columns = widenColumns(this.#columns, rows, settled)
    const series = told ?? [...this.#series, ...this.#newSeries(delta)]
    const same = series.length === this.#series.length && series.every((one, i) => one === this.#series[i])
    if (columns === this.#columns && same) return false
    this.#columns = columns
    this.#series = [...series]
    this.#design()
    return true
  }

  #newSeries(delta: ChartDelta): Series[] {
    const field = seriesField(this.#concept, this.options) ?? runningKey(this.#concept)
    if (field === null) return []
    const limit = this.#concept.form === 'running' ? this.#retention.rows : COLOURED_SERIES
    const known = new Set(this.#series)
    const found = new Set<Series>()
    for (const row of delta.upsert) {
      const value = row[field]
      // A number in a plain row is a shade of one colour, not a colour of its own.
      if (typeof value === 'number' && this.#concept.form === 'rows') continue
      if (isSeries(value) && !known.has(value)) found.add(value)
    }
    return [...found].sort(byName).slice(0, Math.max(0, limit - known.size))
  }

  #design(): void {
    const first = this.#model.rows()[0]
    const timeField = this.#retention.timeField
    const nearMs = first === undefined || timeField === undefined ? undefined : first[timeField]
    const { otherRows } = foldOptions(this.#concept, this.options, this.#retention)
    const spec = chartSpec({
      concept: this.#concept,
      columns: this.#columns,
      options: this.options,
      retention: this.#retention,
      series: this.#series,
      otherRows: otherRows !== undefined && this.#series.length > COLOURED_SERIES,
      title: this.title,
      nearMs: typeof nearMs === 'number' ? nearMs : undefined,
    })
    if (spec === null) {
      this.#spec = null
      return
    }
    const validated = validateSpec(spec)
    this.#spec = validated.spec
    this.#removed = validated.removed
  }

  #closedCount(): number {
    return this.#model.rows().reduce((count, row) => (row.$open === true || '$other' in row ? count : count + 1), 0)
  }

  /** What the chart leaves out, in words (law 2 of the product: nothing is lost silently). */
  #notice({ seenCount, retractedCount, conflatedCount, otherSeriesCount, folded }: TapFrame): void {
    // A row that was taken back is not left out, and neither is what took it back.
    const holding = seenCount - 2 * retractedCount
    const plain = this.#concept.form === 'rows'
    const shown = this.#model.size
    const closed =
      this.#concept.form === 'window' && !this.#concept.revisions ? this.#closedCount() + (folded?.rowCount ?? 0) : null
    const stepMs = this.#model.thinStepMs
    const which = stepMs === null ? 'newest' : `lowest and highest of every ${leftText(stepMs)},`
    const parts = [
      ...(plain && holding > shown ? [`${which} ${grouped(shown)} of ${grouped(holding)} rows`] : []),
      ...(closed !== null && holding > closed ? [`${which} ${grouped(closed)} of ${grouped(holding)} results`] : []),
      ...(!plain && conflatedCount > 0 ? [`${grouped(conflatedCount)} updates merged`] : []),
      ...((folded?.count ?? 0) > 0 ? [`${grouped(folded?.count ?? 0)} more series as other`] : []),
      ...(otherSeriesCount > 0 ? [`${grouped(otherSeriesCount)} other series not drawn`] : []),
      ...(this.#removed.length > 0 ? [`taken out of the spec: ${this.#removed.join(', ')}`] : []),
    ]
    this.#leftOut = noticeOf(parts)
    this.#status = { ...this.#status, notice: noticeOf([this.#told, this.#leftOut]) }
  }
}

/** Of a stream that has not told anything: a page knows from the first frame on what its chart is about. */
function statusBefore({ join, scores }: ChartConcept): ChartStatus {
  const status = emptyStatus('starting')
  if (join !== undefined) return { ...status, join: { ...EMPTY_JOIN, ...join } }
  return scores === undefined ? status : { ...status, scores: { ...scores, labels: [], labelFile: '' } }
}

function newestAt(rows: readonly ChartRow[]): number | null {
  return rows.reduce<number | null>((newest, { $at: at }) => {
    return typeof at === 'number' && (newest === null || at > newest) ? at : newest
  }, null)
}

function noticeOf(parts: readonly (string | null | undefined)[]): string | null {
  const told = parts.filter(part => part !== null && part !== undefined)
  return told.length === 0 ? null : told.join(' · ')
}

export function emptyStatus(state: StreamState): ChartStatus {
  return {
    state,
    recordsPerSecond: 0,
    recordCount: 0,
    rowCount: 0,
    watermarkMs: null,
    lagCount: null,
    lateCount: 0,
    droppedCount: 0,
    errorCount: 0,
    errors: [],
    notice: null,
  }
}

function columnsOf(concept: ChartConcept): ChartColumn[] {
  const promised = promisedColumns(concept)
  if (!concept.revisions) return promised
  return [...promised, { name: 'kind', kind: 'text' }, { name: 'revision', kind: 'number' }]
}

function runningKey(concept: ChartConcept): string | null {
  if (concept.form !== 'running' || concept.by.length === 0) return null
  return concept.by.length === 1 ? (concept.by[0] ?? null) : '$series'
}
