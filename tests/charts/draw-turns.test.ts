import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DrawTurns } from '../../extension/src/draw-turns.ts'
import { ReportPace } from '../../kernel/engine/report-pace.ts'
import { VirtualClock } from '../../stream/time/clock.ts'

const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

test('a task holds drawings until its budget is spent; the rest come in tasks right after it, in order', async () => {
  let nowMs = 0
  const frames: (() => void)[] = []
  const tasks: (() => void)[] = []
  const turns = new DrawTurns({
    nowMs: () => nowMs,
    onFrame: f => void frames.push(f),
    onTask: f => void tasks.push(f),
  })
  const drawn: string[] = []
  for (const [name, costMs] of [
    ['a', 10],
    ['b', 10],
    ['c', 10],
    ['d', 40],
    ['e', 1],
  ] as const)
    turns.take(() => {
      nowMs += costMs
      drawn.push(name)
      return name === 'b' ? Promise.reject(new Error('cannot draw')) : Promise.resolve()
    })
  const seen: string[] = []
  while (frames.length + tasks.length > 0) {
    ;(frames.shift() ?? tasks.shift())?.()
    await settle()
    seen.push(drawn.splice(0).join(''))
  }
  assert.deepEqual(seen, ['abc', 'd', 'e', ''], 'and a frame that shows them')
})

test('news is drawn at once when what was drawn has been shown, else with the frame that shows it', async () => {
  const frames: (() => void)[] = []
  const tasks: (() => void)[] = []
  const turns = new DrawTurns({ nowMs: () => 0, onFrame: f => void frames.push(f), onTask: f => void tasks.push(f) })
  const drawn: string[] = []
  const draw = (name: string): void => turns.take(() => Promise.resolve(void drawn.push(name)))
  draw('a')
  tasks.shift()?.()
  await settle()
  draw('b')
  assert.deepEqual([drawn, tasks.length, frames.length], [['a'], 0, 1])
  frames.shift()?.()
  await settle()
  assert.deepEqual([drawn, tasks.length, frames.length], [['a', 'b'], 0, 1])
  frames.shift()?.()
  draw('c')
  assert.deepEqual([tasks.length, frames.length], [1, 0])
})

test('ten charts with news every 100 ms take turns on one virtual thread: equal pictures, short tasks, none waits long', async () => {
  const COST_MS = 8
  const clock = new VirtualClock()
  const taskMs: number[] = []
  /** A task begins when the one before is over, and takes as long as what it draws. */
  let spentMs = 0
  let freeAtMs = 0
  const soon = (delayMs: number, f: () => void): void =>
    void clock.setTimer(Math.max(delayMs, freeAtMs - clock.nowMs()), () => {
      spentMs = 0
      f()
    })
  const turns = new DrawTurns({
    nowMs: () => clock.nowMs() + spentMs,
    onFrame: f => soon(16 - (clock.nowMs() % 16), f),
    onTask: f => soon(0, f),
  })
  const drawn: { chart: number; askedMs: number; atMs: number }[] = []
  const waiting = new Set<number>()
  const news = (chart: number): void => {
    // As a panel does: one turn at a time, the next picture shows everything that came meanwhile.
    if (!waiting.has(chart)) {
      waiting.add(chart)
      const askedMs = clock.nowMs()
      turns.take(() => {
        spentMs += COST_MS
        waiting.delete(chart)
        drawn.push({ chart, askedMs, atMs: clock.nowMs() + spentMs })
        return Promise.resolve()
      })
    }
  }
  const charts = Array.from({ length: 10 }, (_, chart) => chart)
  for (let nowMs = 0; nowMs < 2000; nowMs++) {
    if (nowMs % 100 === 0) for (const chart of charts) news(chart)
    const before = drawn.length
    clock.advance(1)
    await settle()
    const count = drawn.length - before
    if (count === 0) continue
    taskMs.push(count * COST_MS)
    freeAtMs = clock.nowMs() + count * COST_MS
  }
  for (const chart of charts) assert.equal(drawn.filter(each => each.chart === chart).length, 20, `chart ${chart}`)
  // Whoever asked first is drawn first.
  assert.deepEqual(
    drawn.slice(0, 20).map(({ chart }) => chart),
    [...charts, ...charts],
  )
  assert.ok(Math.max(...taskMs) <= 30 + COST_MS, `a task of ${Math.max(...taskMs)} ms`)
  const longestWaitMs = Math.max(...drawn.map(({ askedMs, atMs }) => atMs - askedMs))
  assert.ok(longestWaitMs <= 100, `one waited ${longestWaitMs} ms`)
})

/** How long each arrival (ms, `news`: it brought something to tell) waited until it was told, and how often something was told. */
function toldOf(arrivals: readonly { readonly atMs: number; readonly news: boolean }[]): {
  readonly waitsMs: number[]
  readonly count: number
} {
  const clock = new VirtualClock()
  const pace = new ReportPace()
  const waitsMs: number[] = []
  let untold: number[] = []
  let count = 0
  for (let index = 0; index < arrivals.length || untold.length > 0 || pace.dueMs < Infinity;) {
    const next = arrivals[index]
    if (next !== undefined && next.atMs <= pace.dueMs) {
      clock.advance(next.atMs - clock.nowMs())
      pace.came(clock.nowMs())
      if (next.news) untold.push(next.atMs)
      index++
      continue
    }
    clock.advance(pace.dueMs - clock.nowMs())
    const news = untold.length > 0
    pace.told(clock.nowMs(), news)
    if (news) count++
    for (const atMs of untold) waitsMs.push(clock.nowMs() - atMs)
    untold = []
  }
  return { waitsMs, count }
}

test('rows that come ten times a second are told when they have settled, early or late by some, whatever was asked in between', () => {
  const rows = Array.from({ length: 50 }, (_, i) => ({
    atMs: 1000 + i * 100 + [0, 25, -20, 30, -5][i % 5]!,
    news: true,
  }))
  // A snapshot a second: nothing new for a chart.
  const snapshots = Array.from({ length: 5 }, (_, i) => ({ atMs: 1050 + i * 1000, news: false }))
  const { waitsMs } = toldOf([...rows, ...snapshots].sort((a, b) => a.atMs - b.atMs))
  assert.deepEqual(new Set(waitsMs), new Set([4]))
})

test('what belongs together is told at once, and a flood no more often than the rate', () => {
  const five = toldOf([0, 1, 2, 3, 5].map(atMs => ({ atMs, news: true })))
  assert.deepEqual(five, { waitsMs: [9, 8, 7, 6, 4], count: 1 })
  const flood = toldOf(Array.from({ length: 4000 }, (_, i) => ({ atMs: i * 2.5, news: true })))
  assert.ok(flood.count >= 100 && flood.count <= 107, `${flood.count} reports in ten seconds`)
  assert.ok(Math.max(...flood.waitsMs) <= 95, `one waited ${Math.max(...flood.waitsMs)} ms`)
})
