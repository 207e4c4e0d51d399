import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../stream/time/clock.ts'
import { ChartDisplays } from './chart-displays.ts'
import type { Json } from './message.ts'

const LIVE = 'application/vnd.riffle.live.v1+json'
const chart = (chartId: string): Json => ({ data: { [LIVE]: { chartId }, 'text/plain': 'first' }, metadata: {} })

function makeDisplays() {
  const clock = new VirtualClock(0)
  const updates: { atMs: number; text: unknown; displayId: unknown }[] = []
  const displayed: string[] = []
  const state = { hello: false, over: false, text: (): unknown => clock.nowMs() }
  const displays = new ChartDisplays({
    clock,
    picture: chartId =>
      Promise.resolve(chartId === 'unknown' ? undefined : { bundle: { 'text/plain': state.text() }, over: state.over }),
    update: (_, content) =>
      updates.push({
        atMs: clock.nowMs(),
        text: (content['data'] as Json)['text/plain'],
        displayId: (content['transient'] as Json)['display_id'],
      }),
    helloHeard: () => state.hello,
    displayed: (cellId, chartIds) => displayed.push(`${cellId}: ${chartIds.join(' ')}`),
  })
  /** A second at a time, so that pictures that were asked for arrive in between. */
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      clock.advance(1000)
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  return { displays, updates, displayed, state, pass }
}

test('a chart nobody said hello for is updated once a second from the second second on', async () => {
  const { displays, updates, pass } = makeDisplays()
  const content = displays.shown(chart('a#1'), 'cell', undefined)
  const displayId = (content?.['transient'] as Json | undefined)?.['display_id']
  assert.equal(typeof displayId, 'string')
  await pass(4)
  assert.deepEqual(
    updates.map(({ atMs }) => atMs),
    [2000, 3000, 4000],
  )
  assert.ok(updates.every(update => update.displayId === displayId))
})

test('an output that is no live chart is left alone, a display id of the user is kept', () => {
  const { displays } = makeDisplays()
  assert.equal(displays.shown({ data: { 'text/plain': '1' } }, 'cell', undefined), undefined)
  const content = displays.shown({ ...chart('a#1'), transient: { display_id: 'mine' } }, 'cell', undefined)
  assert.deepEqual(content?.['transient'], { display_id: 'mine' })
})

test('with an extension there are no updates; one that comes later ends them', async () => {
  const { displays, updates, state, pass } = makeDisplays()
  state.hello = true
  displays.shown(chart('a#1'), 'cell', undefined)
  await pass(5)
  assert.deepEqual(updates, [])
  state.hello = false
  displays.shown(chart('a#2'), 'other', undefined)
  await pass(2)
  assert.equal(updates.length, 1)
  displays.hello()
  await pass(5)
  assert.equal(updates.length, 1)
})

test('after a minute without a request updates pause, and the next request resumes them at once', async () => {
  const { displays, updates, pass } = makeDisplays()
  displays.shown(chart('a#1'), 'cell', undefined)
  await pass(100)
  assert.equal(updates.at(-1)?.atMs, 59_000)
  displays.heard()
  await pass(2)
  assert.deepEqual(
    updates.slice(-2).map(({ atMs }) => atMs),
    [101_000, 102_000],
  )
})

test('a picture that is the same is not sent again, and the last one of a stream ends the updates', async () => {
  const { displays, updates, state, pass } = makeDisplays()
  state.text = () => 'same'
  displays.shown(chart('a#1'), 'cell', undefined)
  await pass(5)
  assert.equal(updates.length, 1)
  state.text = () => 'last'
  state.over = true
  await pass(1)
  state.text = () => 'never'
  await pass(5)
  assert.deepEqual(
    updates.map(({ text }) => text),
    ['same', 'last'],
  )
})

test('a cell that runs again shows anew; charts of a cell are told in order', async () => {
  const { displays, updates, displayed, pass } = makeDisplays()
  displays.shown(chart('a#1'), 'cell', undefined)
  displays.shown(chart('b#2'), 'cell', undefined)
  displays.cellStarted('cell')
  displays.cellStarted('cell')
  displays.shown(chart('unknown'), 'cell', undefined)
  await pass(5)
  assert.deepEqual(updates, [])
  assert.deepEqual(displayed, ['cell: a#1', 'cell: a#1 b#2', 'cell: ', 'cell: unknown'])
})
