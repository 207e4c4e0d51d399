import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DrawTurns } from '../../extension/src/draw-turns.ts'
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
