/**
 * The contract between the engine and whoever draws: one comm per kernel connection carries every chart.
 *
 *   browser -> engine   hello · subscribe · credit · visibility · unsubscribe · control · set-param · bye
 *   engine  -> browser  welcome · frame (snapshot or delta per chart) · status · end · gone · error
 *
 * Sequence numbers count per chart. A gap, an unknown sequence or another kernel instance makes the browser ask for a snapshot
 * again; a delta is never applied across a gap. Without credit the engine sends nothing and merges into the newest state.
 * No Node built-in, no I/O: the same file is compiled into the browser's bundle.
 */
import type { ModelStanding, StreamState, StreamTime } from '../model.ts'
import type { PatternView } from '../patterns/view.ts'
import type { JoinConcept, ScoresConcept } from './concept.ts'
import type { JoinView, UnmatchedRow } from '../join-view.ts'

export { isOver } from '../model.ts'
export type { PatternView, ViewedLive, ViewedMiss } from '../patterns/view.ts'
export type { JoinSideView, JoinView, UnmatchedRow, ViewedRow } from '../join-view.ts'

export const PROTOCOL_VERSION = 1
/** MIME type of a live chart or table in an output; beside it lie Vega-Lite 5 and text. */
export const LIVE_MIME = 'application/vnd.riffle.live.v1+json'
/** MIME type of a `param` slider. */
export const PARAM_MIME = 'application/vnd.riffle.param.v1+json'
export const COMM_TARGET = 'riffle.live.v1'
/**
 * Frames that may be under way, when they are small. More would wait in a server whose page is gone; with fewer the page would have to
 * ask so often that its notebook shows a busy kernel all the time: each message makes it busy for a moment, and JupyterLab draws that
 * (measured: 15 to 20 ms of the page's main thread).
 */
export const CREDIT_AT_START = 60
/** Browsers find the points in a Vega-Lite spec under this dataset name. */
export const DATASET = 'rows'
/** DOM event a chart element answers with `event.detail.reply(marks)`; a JSON copy, no live object (rules.md 26). */
export const MARKS_EVENT = 'riffle-marks'

export type MimeBundle = Record<string, unknown>

/** The forms of forms/index.ts, and `none` for no picture at all. */
export type ChartMark =
  | 'line'
  | 'area'
  | 'bar'
  | 'point'
  | 'heatmap'
  | 'histogram'
  | 'timeline'
  | 'lanes'
  | 'scores'
  | 'table'
  | 'number'
  | 'none'

/** What the user asks of a chart: `.chart(options)` and `%%chart`. */
export interface ChartOptions {
  readonly mark?: ChartMark | undefined
  readonly x?: string | undefined
  readonly y?: string | undefined
  readonly color?: string | undefined
  /** `5m` of event time, a count of rows, or `latest` (the newest row per key). */
  readonly keep?: string | number | undefined
  /** 1 to 20. Default 10. */
  readonly fps?: number | undefined
  readonly title?: string | undefined
  readonly zone?: string | undefined
  /** Shows rows as they come and go (inserts and retractions) from the start; a reader can switch it on any time. */
  readonly changes?: boolean | undefined
  /** Partial Vega-Lite spec laid over the generated one. */
  readonly spec?: Readonly<Record<string, unknown>> | undefined
}

export interface ChartColumn {
  readonly name: string
  readonly kind: 'number' | 'text' | 'boolean' | 'instant' | 'other'
}

/** One drawn row. `$key` identifies it: the same key replaces the row. Open windows are `$open`, drawn hollow. */
export type ChartRow = Readonly<Record<string, unknown>> & { readonly $key: string; readonly $open?: boolean }

/** Rows to draw and rows to forget since the last frame. Removals are applied before upserts. */
export interface ChartDelta {
  readonly upsert: readonly ChartRow[]
  readonly remove: readonly string[]
}

/** How many rows a chart keeps; applied by engine and browser alike (retain.ts). */
export interface Retention {
  readonly rows: number
  /** Keep rows whose `timeField` is within this of the newest; undefined keeps by count only. */
  readonly spanMs?: number | undefined
  readonly timeField?: string | undefined
  readonly latestPerKey?: boolean | undefined
  /** Beyond `rows` those with the lowest and highest value of each column of the picture stay, instead of the newest alone. */
  readonly thin?: { readonly field: string; readonly by: readonly string[] } | undefined
}

/** Body of LIVE_MIME: everything to draw the last frame without a kernel, and to attach to it with one. */
export interface LiveBundle {
  readonly protocol: number
  /** Random per engine process: another instance means the stream of that time is gone. */
  readonly instance: string
  readonly chartId: string
  readonly stream: string
  readonly title: string
  /** Vega-Lite spec without data; the dataset is named `rows`. Null: table only. */
  readonly spec: Readonly<Record<string, unknown>> | null
  readonly columns: readonly ChartColumn[]
  readonly retention: Retention
  readonly fps: number
  /** Last known frame: newest rows, capped at 500 rows and 200 kB. */
  readonly last: SavedFrame
}

export interface SavedFrame {
  readonly sequence: number
  readonly savedAt: string | null
  readonly rows: readonly ChartRow[]
  readonly status: ChartStatus
  /** Where somebody asked for them. */
  readonly changes?: ChartChanges | undefined
}

/** A live bundle in the file of a notebook: the rows are one text (row-text.ts). */
export type FiledBundle = Omit<LiveBundle, 'last'> & {
  readonly last: Omit<SavedFrame, 'rows'> & { readonly rows: string }
}

/** A row that came (+1) or was taken back (-1). `number` counts all changes of the stream, drawn or not, from 1. */
export interface ChartChange {
  readonly number: number
  readonly weight: 1 | -1
  /** Event time; null for rows without one. */
  readonly atMs: number | null
  readonly row: Readonly<Record<string, unknown>>
}

/** All changes after `since`, up to and with `upTo`, oldest first; those of series that are not drawn are left out. */
export interface ChartChanges {
  readonly since: number
  readonly upTo: number
  readonly entries: readonly ChartChange[]
}

/** The strip under a chart. Every count that law 2 asks for is here. */
export interface ChartStatus {
  readonly state: StreamState
  readonly recordsPerSecond: number
  readonly recordCount: number
  readonly rowCount: number
  readonly watermarkMs: number | null
  readonly lagCount: number | null
  readonly lateCount: number
  readonly droppedCount: number
  readonly errorCount: number
  /** For joins: rows that wait for partners. */
  readonly waitingCount?: number | undefined
  /** For streams whose rows may be taken back: how many came, how many were. */
  readonly changes?: { readonly insertedCount: number; readonly retractedCount: number } | undefined
  /** First lines of the newest errors, with position. */
  readonly errors: readonly string[]
  /** What the chart left out: conflated rows, rows beyond retention, other series. */
  readonly notice: string | null
  /** For charts of windows: what holds the watermark, and the newest dropped records. */
  readonly time?: StreamTime | undefined
  /** For charts of matches: the pattern at work. */
  readonly pattern?: PatternView | undefined
  /** For charts of joins: what met, what waits, what left alone; empty until the engine has told. */
  readonly join?: JoinStatus | undefined
  /** For charts of scores: how they were made, and what was labelled by hand. */
  readonly scores?: ScoresStatus | undefined
}

export interface JoinStatus extends JoinConcept, JoinView {}

export interface ScoresStatus extends ScoresConcept {
  /** From and to, inclusive, epoch ms, in order. */
  readonly labels: readonly (readonly [fromMs: number, toMs: number])[]
  /** The file beside the notebook that holds them. */
  readonly labelFile: string
  /** How `model` stands; only where this notebook trained it, so that it can be trained again. */
  readonly trained?: TrainedStatus | undefined
}

export interface TrainedStatus extends ModelStanding {
  /** Event time of the newest row when this version came: what changed before is none of its doing. Null for the first one. */
  readonly sinceMs: number | null
}

export type ToEngine =
  /** `binary`: the page reads frames whose rows are columns in buffers (`packed`). */
  | { readonly type: 'hello'; readonly protocol: number; readonly client: string; readonly binary?: boolean }
  | {
      readonly type: 'subscribe'
      readonly chartId: string
      readonly since: number | null
      readonly visible: boolean
      /** With the changes, as `changes` asks for them. */
      readonly changes?: boolean
    }
  /** Frames of the chart carry the changes from now on, beginning with the newest; or they do not any more. */
  | { readonly type: 'changes'; readonly chartId: string; readonly on: boolean }
  /** The browser has painted frames that cost `count`; it may be sent as much more. A small `frame` costs one. */
  | { readonly type: 'credit'; readonly count: number }
  | { readonly type: 'visibility'; readonly chartId: string; readonly visible: boolean }
  | { readonly type: 'unsubscribe'; readonly chartId: string }
  | { readonly type: 'control'; readonly chartId: string; readonly action: 'pause' | 'resume' | 'stop' | 'clear' }
  /** Rows from `fromMs` to `toMs` are anomalies; `on: false` takes away the label that holds `fromMs`. */
  | {
      readonly type: 'label'
      readonly chartId: string
      readonly fromMs: number
      readonly toMs: number
      readonly on: boolean
    }
  /** The model that scores the chart's rows is to learn again, from its newest rows. */
  | { readonly type: 'retrain'; readonly chartId: string }
  /** Rows of a join that left without a partner, as many as are kept: answered once by `unmatched`. */
  | { readonly type: 'unmatched'; readonly chartId: string }
  | { readonly type: 'set-param'; readonly name: string; readonly value: number | string | boolean }
  /** Which charts do the cells of this kernel show: answered once by `outputs`. */
  | { readonly type: 'outputs' }
  /** The list of streams once a second, until it is switched off or the connection is forgotten. */
  | { readonly type: 'watch-streams'; readonly on: boolean }
  | { readonly type: 'control-stream'; readonly stream: string; readonly action: 'pause' | 'resume' | 'stop' }
  | { readonly type: 'stop-all' }
  /** The notebook is being saved: what the engine keeps on disk is as of now. */
  | { readonly type: 'saved' }
  /** Answered once by `topics`. */
  | { readonly type: 'topics' }
  /** The newest records of a topic, answered once by `peek`. */
  | { readonly type: 'peek'; readonly connection: string; readonly topic: string }
  | { readonly type: 'bye' }

export type FromEngine =
  | {
      readonly type: 'welcome'
      readonly protocol: number
      readonly instance: string
      readonly client: string
      readonly credit: number
    }
  /** At most one per tick for all charts of the connection. `credit`: what it costs, where that is more than one. */
  | {
      readonly type: 'frame'
      readonly client: string
      readonly charts: readonly ChartFrame[]
      readonly credit?: number
    }
  | { readonly type: 'gone'; readonly client: string; readonly chartId: string; readonly reason: string }
  | { readonly type: 'param'; readonly name: string; readonly value: number | string | boolean }
  | {
      readonly type: 'unmatched'
      readonly client: string
      readonly chartId: string
      readonly rows: readonly UnmatchedRow[]
    }
  | { readonly type: 'outputs'; readonly client: string; readonly cells: readonly CellCharts[] }
  | { readonly type: 'streams'; readonly client: string; readonly streams: readonly StreamLine[] }
  | { readonly type: 'topics'; readonly client: string; readonly topics: readonly TopicLine[] }
  /** A line a record, oldest first; `problem` says why there are none. */
  | {
      readonly type: 'peek'
      readonly client: string
      readonly connection: string
      readonly topic: string
      readonly lines: readonly string[]
      readonly problem: string | null
    }
  | { readonly type: 'error'; readonly client: string; readonly message: string; readonly hint: string | null }

export interface ChartFrame {
  readonly chartId: string
  /** Of this frame; a delta follows sequence − 1, a snapshot follows anything. */
  readonly sequence: number
  readonly snapshot?: readonly ChartRow[] | undefined
  readonly delta?: ChartDelta | undefined
  /** The rows of a large frame, instead of `snapshot`, or of the upserts of `delta` where there is one. */
  readonly packed?: PackedRows | undefined
  /** Where they were asked for: the changes since the last frame that had some, or the newest ones (changes.ts). */
  readonly changes?: ChartChanges | undefined
  readonly status: ChartStatus
  /** Sent when the stream behind the name was replaced and columns or spec changed (always with a snapshot). */
  readonly respec?: Pick<LiveBundle, 'spec' | 'columns' | 'retention' | 'title'> | undefined
  /** The stream ended, failed or was stopped: the last frame of this chart. */
  readonly end?: { readonly state: StreamState; readonly reason: string } | undefined
}

/** Rows as columns. A column of numbers only lies in a buffer of the message, Float64 little endian, one value a row. */
export interface PackedRows {
  readonly count: number
  readonly columns: readonly (
    | { readonly name: string; readonly buffer: number }
    /** `absent`: indexes of rows that have no such field. */
    | { readonly name: string; readonly values: readonly unknown[]; readonly absent?: readonly number[] }
  )[]
}

/** What the output of a cell shows, in order: a page that lost it (a reload of a notebook never saved) puts it back. */
export interface CellCharts {
  readonly cellId: string
  readonly bundles: readonly MimeBundle[]
}

/** A running stream in the side panel. */
export interface StreamLine {
  readonly name: string
  readonly cellId: string | null
  readonly outline: string
  readonly state: StreamState
  readonly recordsPerSecond: number
  readonly recordCount: number
  readonly watermarkMs: number | null
  readonly lagCount: number | null
  readonly lateCount: number
  readonly droppedCount: number
  readonly errorCount: number
  readonly stateBytes: number
}

export interface TopicLine {
  readonly connection: string
  readonly name: string
  readonly partitionCount: number
  readonly recordCount: number
  readonly recordsPerSecond: number | null
  readonly description: string | null
  readonly columns: readonly { readonly name: string; readonly type: string }[]
}

/** Body of PARAM_MIME. */
export interface ParamBundle {
  readonly protocol: number
  readonly instance: string
  readonly name: string
  readonly value: number | string | boolean
  readonly min?: number | undefined
  readonly max?: number | undefined
  readonly step?: number | undefined
  readonly choices?: readonly (number | string)[] | undefined
}
