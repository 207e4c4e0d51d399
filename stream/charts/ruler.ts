/**
 * The window ruler: which windows are open, where the watermark stands, and in words why the oldest open window is still open.
 *
 *   window  [────)   closed   open [┄┄┄┄)      │ watermark      ○ late event, at its event time
 *
 * Pure: from the rows of a chart and its status to what is drawn.
 */
import { instantText } from './zone.ts'
import type { ChartColumn, ChartRow, ChartStatus } from './protocol.ts'
import type { LateRecord, PartitionTime } from '../model.ts'

const WINDOWS_SHOWN = 12

export interface RulerWindow {
  readonly startMs: number
  /** Exclusive. */
  readonly endMs: number
  readonly open: boolean
  /** 0 at the top; windows that overlap lie in different lanes. */
  readonly lane: number
}

export interface Ruler {
  readonly fromMs: number
  readonly toMs: number
  readonly laneCount: number
  /** By start. */
  readonly windows: readonly RulerWindow[]
  readonly watermarkMs: number | null
  /** Late events within the ruler. */
  readonly late: readonly LateRecord[]
  readonly why: string
}

/** Whether rows of these columns are results of windows. */
export function hasRuler(columns: readonly ChartColumn[]): boolean {
  return ['windowStart', 'windowEnd'].every(name => columns.some(column => column.name === name))
}

/** The ruler of the newest windows; null while there are none. */
export function rulerOf(rows: readonly ChartRow[], status: ChartStatus): Ruler | null {
  const windows = newestWindows(rows)
  const first = windows[0]
  if (first === undefined) return null
  const { watermarkMs } = status
  const lastMs = Math.max(...windows.map(window => window.endMs))
  const late = (status.time?.late ?? []).filter(one => one.eventTimeMs >= first.startMs && one.eventTimeMs < lastMs)
  const laned = inLanes(windows)
  return {
    fromMs: first.startMs,
    toMs: Math.max(lastMs, Math.min(watermarkMs ?? lastMs, lastMs + (lastMs - first.startMs) / 4)),
    laneCount: Math.max(...laned.map(window => window.lane)) + 1,
    windows: laned,
    watermarkMs,
    late,
    why: whyOpen(
      windows.find(window => window.open),
      status,
    ),
  }
}

type Bounds = Omit<RulerWindow, 'lane'>

function newestWindows(rows: readonly ChartRow[]): Bounds[] {
  const found = new Map<string, Bounds>()
  for (const row of rows) {
    const { windowStart: startMs, windowEnd: endMs } = row
    if (typeof startMs !== 'number' || typeof endMs !== 'number' || !(endMs > startMs)) continue
    const key = `${startMs} ${endMs}`
    const open = row.$open === true || found.get(key)?.open === true
    found.set(key, { startMs, endMs, open })
  }
  return [...found.values()].sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs).slice(-WINDOWS_SHOWN)
}

function inLanes(windows: readonly Bounds[]): RulerWindow[] {
  const freeFromMs: number[] = []
  return windows.map(window => {
    const free = freeFromMs.findIndex(fromMs => fromMs <= window.startMs)
    const lane = free === -1 ? freeFromMs.length : free
    freeFromMs[lane] = window.endMs
    return { ...window, lane }
  })
}

/** `Window 09:00:10–09:00:20 is open: …`; what holds the watermark, and by how much. */
function whyOpen(window: Bounds | undefined, status: ChartStatus): string {
  if (window === undefined) return 'No window is open: no event after the last closed one has come'
  const name = `Window ${clock(window.startMs)}–${clock(window.endMs)}`
  const { watermarkMs, state } = status
  if (state !== 'running') return `${name} is open because the stream is ${state}`
  if (watermarkMs !== null && watermarkMs >= window.endMs - 1)
    return `${name} has given its result and takes late events within the allowed lateness`
  const stands =
    watermarkMs === null
      ? 'there is no watermark yet'
      : `the watermark stands at ${clock(watermarkMs)}, ${seconds(window.endMs - 1 - watermarkMs)} short of its end`
  return [`${name} is open: ${stands}`, ...(status.time?.sources ?? []).map(holder)].filter(Boolean).join('. ')
}

/** Which partition of a source holds its watermark. Empty when there is only one and it just reads on. */
function holder(partitions: readonly PartitionTime[], index: number, all: readonly unknown[]): string {
  const source = all.length > 1 ? ` of source ${index + 1}` : ''
  const active = partitions.filter(one => one.phase === 'active')
  if (partitions.length === 0) return `No partition${source} has been read yet`
  if (active.length === 0) return `All partitions${source} are idle, so the watermark stands still`
  const silent = active.filter(one => one.watermarkMs === null)
  if (silent.length > 0)
    return `Partition ${silent.map(one => one.partition).join(', ')}${source} has given no event yet and is not idle`
  const ordered = [...active].sort((a, b) => (a.watermarkMs ?? 0) - (b.watermarkMs ?? 0))
  const [slowest, next] = ordered
  if (slowest === undefined || next === undefined) return ''
  const aheadMs = (next.watermarkMs ?? 0) - (slowest.watermarkMs ?? 0)
  const ahead =
    aheadMs === 0 ? `partition ${next.partition} stands at the same time` : `the next one is ${seconds(aheadMs)} ahead`
  return `Partition ${slowest.partition}${source} holds it, ${ahead}`
}

export function clock(epochMs: number): string {
  return instantText(epochMs).slice(11)
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(3))} s`
}
