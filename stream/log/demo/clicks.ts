/**
 * Clicks of visitors of the shop. A visitor clicks for a while and then is silent for at least forty seconds, so a session
 * window with a gap of 30s finds each visit. Most visits log in on the way; most of those end with a purchase, some log in and
 * leave (a pattern login -> purchase finds the ones, near misses the others).
 */
import { draw, saltOf } from '../random.ts'
import { zipfPick } from '../zipf.ts'
import type { DelayOf } from '../schedule.ts'
import type { DemoTopic } from './demo-topic.ts'

/** Visitors at the same time; each gets every 120th index, which is a click every 1.6 s at the usual rate. */
const slots = 120
/** Indexes of one visitor from the start of a visit to the next: 45 × 1.6 s = 72 s, a visit takes at most 20 of them. */
const cycle = 45
const salt = saltOf('clicks')
const browsing = ['search', 'product', 'product', 'reviews', 'cart'] as const

interface Visit {
  readonly number: number
  /** Place of this click in its visit. */
  readonly step: number
  readonly length: number
}

function visitOf(seed: number, index: number): Visit {
  const slot = index % slots
  // Visitors are out of step with one another, or all would be silent together.
  const at = Math.floor(index / slots) + Math.floor(draw(seed, salt, slot, 0) * cycle)
  const number = Math.floor(at / cycle) * slots + slot
  return { number, step: at % cycle, length: 5 + Math.floor(draw(seed, salt + 1, number, 0) * 16) }
}

function pageOf(seed: number, index: number, visit: Visit): string {
  const last = visit.length - 1
  const loginStep = 1 + Math.floor(draw(seed, salt + 1, visit.number, 1) * (visit.length - 3))
  const logsIn = draw(seed, salt + 1, visit.number, 2) < 0.7
  const buys = draw(seed, salt + 1, visit.number, 3) < 0.6
  if (visit.step === 0) return 'home'
  if (visit.step === loginStep && logsIn) return 'login'
  if (visit.step === last && logsIn) return buys ? 'purchase' : 'logout'
  return browsing[Math.floor(draw(seed, salt + 2, index, 0) * browsing.length)]!
}

const delayOf: DelayOf = ({ seed }, index) => {
  const visit = visitOf(seed, index)
  return visit.step < visit.length ? 0 : null
}

export const clicks: DemoTopic = {
  name: 'clicks',
  description:
    'Clicks of shop visitors in visits with silences of at least 40 s between; many log in, most of those purchase',
  timeField: 'clickedAt',
  rate: 75,
  density: 0.28,
  delayOf,
  columns: [
    { name: 'userId', type: 'string', doc: 'Who clicked, also the key of the record' },
    {
      name: 'page',
      type: "'home' | 'search' | 'product' | 'reviews' | 'cart' | 'login' | 'purchase' | 'logout'",
      doc: 'What was opened',
    },
    { name: 'durationMs', type: 'number', doc: 'How long the page took to load, ms' },
    { name: 'clickedAt', type: 'number', doc: 'When, epoch ms', instant: true },
  ],
  record: ({ seed, index, atMs, skew }) => {
    const visit = visitOf(seed, index)
    // 480 users on 120 slots: a slot's users are its own, so nobody is in two visits at once.
    const turn = zipfPick(draw(seed, salt + 1, visit.number, 4), 4, skew)
    const userId = `u-${String(turn * slots + (index % slots)).padStart(3, '0')}`
    const slow = draw(seed, salt + 2, index, 1)
    const durationMs = 40 + Math.floor(slow * slow * slow * 900)
    return { key: userId, row: { userId, page: pageOf(seed, index, visit), durationMs, clickedAt: atMs } }
  },
}
