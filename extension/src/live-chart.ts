/**
 * What the page knows of one chart of one kernel: rows, columns, spec, status, and how it stands with the kernel. Views come
 * and go (a moved cell makes a new one); this stays and is shared by all of them.
 */
import { ChartModel } from '../../stream/charts/model.ts'
import { followChanges, NO_CHANGES, savedChanges } from '../../stream/charts/changes.ts'
import type {
  ChartChanges,
  ChartColumn,
  ChartFrame,
  ChartRow,
  ChartStatus,
  LiveBundle,
  Retention,
  SavedFrame,
  ToEngine,
  UnmatchedRow,
} from '../../stream/charts/protocol.ts'

/** How fresh the rows are: from the file, asked for, live, finished, or out of reach. */
export type Liveness = 'saved' | 'connecting' | 'live' | 'ended' | 'lost'

export interface ChartView {
  /** Rows or status changed. `respec`: columns, spec or title too. */
  changed(respec: boolean): void
  /** Resolves when everything told so far is on the screen; at once when the view is out of sight. */
  painted(): Promise<void>
  readonly visible: boolean
}

export interface LiveChartPort {
  send(message: ToEngine): void
  visibility(chartId: string, visible: boolean): void
}

export class LiveChart {
  readonly chartId: string
  readonly instance: string
  readonly stream: string
  readonly fps: number
  /** Views that hold this chart; counted by the link. */
  viewCount = 0
  readonly #port: LiveChartPort
  readonly #views = new Set<ChartView>()
  readonly #model: ChartModel
  readonly #savedAt: string | null
  #picture: Pick<LiveBundle, 'spec' | 'columns' | 'retention' | 'title'>
  #status: ChartStatus
  #liveness: Liveness = 'saved'
  #note: string | null = null
  #toldVisible: boolean | null = null
  /** Rows the reader has cleared away; one that changes is shown again. */
  #cleared = new Set<string>()
  #unmatched: readonly UnmatchedRow[] = []
  /** Rows that came and were taken back; null: not asked for. */
  #changes: ChartChanges | null

  constructor(bundle: LiveBundle, port: LiveChartPort) {
    this.chartId = bundle.chartId
    this.instance = bundle.instance
    this.stream = bundle.stream
    this.fps = bundle.fps
    this.#port = port
    this.#picture = bundle
    this.#status = bundle.last.status
    this.#savedAt = bundle.last.savedAt
    this.#changes = bundle.last.changes ?? null
    this.#model = new ChartModel(bundle.retention)
    this.#model.applyFrame({ sequence: bundle.last.sequence, snapshot: bundle.last.rows })
  }

  get sequence(): number | null {
    return this.#model.sequence
  }

  /** What is drawn. */
  get rows(): ChartRow[] {
    const rows = this.#model.rows()
    return this.#cleared.size === 0 ? rows : rows.filter(row => !this.#cleared.has(row.$key))
  }

  get rowCount(): number {
    return this.#cleared.size === 0 ? this.#model.size : this.rows.length
  }

  get clearedCount(): number {
    return this.#cleared.size
  }

  /** Rows that came and were taken back, the newest; null while nobody asked for them. */
  get changes(): ChartChanges | null {
    return this.#changes
  }

  /** Whether rows may be taken back at all. */
  get retracts(): boolean {
    return this.#status.changes !== undefined || this.#changes !== null
  }

  /** Rows of a join that left without a partner, as they were when last asked for. */
  get unmatched(): readonly UnmatchedRow[] {
    return this.#unmatched
  }

  get status(): ChartStatus {
    return this.#status
  }

  get spec(): LiveBundle['spec'] {
    return this.#picture.spec
  }

  get columns(): readonly ChartColumn[] {
    return this.#picture.columns
  }

  get retention(): Retention {
    return this.#picture.retention
  }

  get title(): string {
    return this.#picture.title
  }

  get liveness(): Liveness {
    return this.#liveness
  }

  /** A sentence beside the rows when they are not live: since when, and why. */
  get badge(): string | null {
    if (this.#liveness === 'live' || this.#liveness === 'connecting') return null
    if (this.#liveness === 'saved')
      return this.#savedAt === null ? null : `saved at ${timeText(this.#savedAt)}, not live`
    const since =
      this.#savedAt === null || this.#liveness === 'ended' ? '' : `saved at ${timeText(this.#savedAt)}, not live: `
    return `${since}${this.#note ?? ''}`
  }

  get visible(): boolean {
    return [...this.#views].some(view => view.visible)
  }

  addView(view: ChartView): void {
    this.#views.add(view)
    this.visibilityChanged()
  }

  removeView(view: ChartView): void {
    this.#views.delete(view)
    this.visibilityChanged()
  }

  /** One of the views came into sight or left it. */
  visibilityChanged(): void {
    const visible = this.visible
    if (visible === this.#toldVisible) return
    this.#toldVisible = visible
    this.#port.visibility(this.chartId, visible)
  }

  /** Clears the picture of this page, or shows again what was cleared. The stream has no part in it, and neither has the file. */
  clear(): void {
    this.#cleared = this.#cleared.size > 0 ? new Set() : new Set(this.#model.rows().map(row => row.$key))
    this.#tell(false)
  }

  /** Asks for the changes, for all views of the chart, or lets go of them. */
  showChanges(on: boolean): void {
    if (on === (this.#changes !== null)) return
    this.#changes = on ? NO_CHANGES : null
    this.#port.send({ type: 'changes', chartId: this.chartId, on })
    this.#tell(false)
  }

  control(action: 'pause' | 'resume' | 'stop'): void {
    this.#port.send({ type: 'control', chartId: this.chartId, action })
  }

  /** Rows from `fromMs` to `toMs` are anomalies; `on: false` takes away the label that holds `fromMs`. */
  label(fromMs: number, toMs: number, on: boolean): void {
    this.#port.send({ type: 'label', chartId: this.chartId, fromMs, toMs, on })
  }

  /** Asks for rows of a join that left without a partner, more than each status tells. */
  askUnmatched(): void {
    this.#port.send({ type: 'unmatched', chartId: this.chartId })
  }

  toldUnmatched(rows: readonly UnmatchedRow[]): void {
    this.#unmatched = rows
    this.#tell(false)
  }

  /** The model that scores the rows is to learn again. */
  retrain(): void {
    this.#port.send({ type: 'retrain', chartId: this.chartId })
  }

  setParam(name: string, value: number): void {
    this.#port.send({ type: 'set-param', name, value })
  }

  /** Takes a frame; 'gap' when one before it is missing, then a snapshot has to be asked for. */
  apply(frame: ChartFrame): 'applied' | 'gap' {
    if (this.#model.applyFrame(frame) === 'gap') return 'gap'
    if (this.#cleared.size > 0) this.#forgetCleared(frame)
    if (this.#changes !== null) this.#changes = changesAt(this.#changes, frame)
    if (frame.respec !== undefined) this.#picture = frame.respec
    this.#status = frame.status
    this.#liveness = frame.end === undefined ? 'live' : 'ended'
    this.#note = frame.end === undefined ? null : frame.end.reason
    this.#tell(frame.respec !== undefined)
    return 'applied'
  }

  #forgetCleared({ delta, snapshot }: ChartFrame): void {
    for (const key of delta?.remove ?? []) this.#cleared.delete(key)
    for (const { $key } of delta?.upsert ?? []) this.#cleared.delete($key)
    if (snapshot === undefined) return
    const there = new Set(snapshot.map(row => row.$key))
    for (const key of this.#cleared) if (!there.has(key)) this.#cleared.delete(key)
  }

  connecting(): void {
    this.#toldVisible = this.visible
    if (this.#liveness === 'live') return
    this.#liveness = 'connecting'
    this.#tell(false)
  }

  /** The kernel is out of reach; the last frame stays. */
  lost(note: string): void {
    if (this.#liveness === 'ended') return
    this.#liveness = 'lost'
    this.#note = note
    this.#tell(false)
  }

  /** The kernel does not have this chart. */
  gone(note: string): void {
    this.lost(note)
  }

  painted(): Promise<void> {
    return Promise.all([...this.#views].map(view => view.painted())).then(() => undefined)
  }

  /** The frame to write into the file. */
  frame(savedAt: string | null, rows: readonly ChartRow[]): SavedFrame {
    const changes = this.#changes === null ? {} : { changes: savedChanges(this.#changes) }
    return { sequence: this.#model.sequence ?? 0, savedAt, rows, status: this.#status, ...changes }
  }

  #tell(respec: boolean): void {
    for (const view of this.#views) view.changed(respec)
  }
}

/** A snapshot is all there is; what comes without changes leaves them as they were. */
function changesAt(known: ChartChanges, { snapshot, changes }: ChartFrame): ChartChanges {
  if (snapshot !== undefined) return changes ?? NO_CHANGES
  return changes === undefined ? known : followChanges(known, changes)
}

function timeText(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`
}
