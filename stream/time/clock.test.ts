import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from './clock.ts'

test('timers fire in the order of their time, also those a timer makes', () => {
  const clock = new VirtualClock(100)
  const fired: string[] = []
  const note = (name: string) => fired.push(`${name}@${clock.nowMs()}`)
  clock.setTimer(30, () => note('c'))
  clock.setTimer(10, () => {
    note('a')
    clock.setTimer(10, () => note('b'))
  })
  clock.setTimer(15, () => note('never')).cancel()
  clock.advance(29)
  assert.deepEqual(fired, ['a@110', 'b@120'])
  clock.advance(1)
  assert.deepEqual(fired, ['a@110', 'b@120', 'c@130'])
  assert.equal(clock.nowMs(), 130)
})
