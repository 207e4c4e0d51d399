/**
 * Matches on a timeline: a lane per key, a point per event taken, joined by a line. Drawn from what the pattern remembers, not from
 * the rows of the stream: those are what `select` made of the matches and need not tell when their events were.
 */
import type { ChartRow } from './protocol.ts'
import type { PatternView, ViewedEvent, ViewedMiss } from '../patterns/view.ts'

interface Told {
  readonly id: string
  readonly what: string
  readonly key: string | null
  readonly events: readonly ViewedEvent[]
  readonly miss?: ViewedMiss | undefined
}

/** The field a timeline has its lanes in; no other picture has it. */
export const LANE = '$lane'
const LANES = 12
const NO_KEY = 'all events'

/** Events of the newest matches, of partial matches alive (`$open`), and where near misses ended. */
export function timelineRows(view: PatternView | undefined): ChartRow[] {
  if (view === undefined) return []
  const rows: ChartRow[] = []
  const told: Told[] = [
    ...view.matches.map(match => ({ ...match, id: `match ${match.number + 1}`, what: 'match' })),
    ...view.misses.map(miss => ({ ...miss, id: `near miss ${miss.number + 1}`, what: 'near miss', miss })),
    ...view.live.map(live => ({ ...live, id: idOfLive(live), what: 'waiting' })),
  ]
  const lanes = newestLanes(told)
  for (const one of told) {
    const lane = one.key ?? NO_KEY
    if (!lanes.has(lane)) continue
    const shared = { [LANE]: lane, id: one.id, what: one.what }
    const open = one.what === 'waiting' ? { $open: true } : {}
    one.events.forEach(([step, at], i) => {
      rows.push({ $key: `${one.id}.${i}`, ...shared, ...open, step: view.steps[step]?.name ?? '', $at: at })
    })
    const { miss } = one
    if (miss === undefined || miss.reason === 'time') continue
    const step = `${miss.reason === 'not' ? '' : 'not '}${miss.condition ?? miss.awaited[0] ?? ''}`
    rows.push({ $key: `${one.id}.end`, ...shared, step, $end: true, $at: miss.endedMs })
  }
  return rows
}

function idOfLive({ key, events }: { readonly key: string | null; readonly events: readonly ViewedEvent[] }): string {
  return `waiting ${key ?? ''} ${events.map(([step, at]) => `${step}@${at}`).join(' ')}`
}

/** Keys something happened to last; the order of lanes is that in which they came. */
function newestLanes(told: readonly Told[]): Set<string> {
  const last = new Map<string, number>()
  for (const { key, events } of told) {
    const lane = key ?? NO_KEY
    last.set(lane, Math.max(last.get(lane) ?? -Infinity, events.at(-1)?.[1] ?? -Infinity))
  }
  return new Set(
    [...last]
      .sort(([, a], [, b]) => b - a)
      .slice(0, LANES)
      .map(([lane]) => lane),
  )
}
