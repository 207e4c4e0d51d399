import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DrawTurns } from '../../extension/src/draw-turns.ts'

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
  assert.deepEqual(seen, ['abc', 'd', 'e'])
  turns.take(() => Promise.resolve(void drawn.push('f')))
  assert.equal(frames.length, 1, 'a turn that comes later asks for a frame again')
})
