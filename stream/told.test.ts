import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTopic, deleteTopic, produce } from './index.ts'
import { producedText, told } from './told.ts'

const display = Symbol.for('Jupyter.display')
const shown = (value: unknown) => (value as Record<symbol, () => unknown>)[display]?.()

test('few records are told one by one', () => {
  const positions = [
    { partition: 0, offset: 0n },
    { partition: 2, offset: 17n },
  ]
  assert.equal(producedText('newtopic', positions), '2 records to newtopic: 0@0, 2@17')
  assert.equal(producedText('newtopic', positions.slice(0, 1)), '1 record to newtopic: 0@0')
  assert.equal(producedText('newtopic', []), '0 records to newtopic')
})

test('many records are told as ranges of each partition', () => {
  const positions = Array.from({ length: 10 }, (_, i) => ({ partition: 1 - (i % 2), offset: BigInt(5 + (i >> 1)) }))
  assert.equal(producedText('t', positions), '10 records to t: 0@5–9, 1@5–9')
})

test('what is told is hidden from the value', () => {
  const value = told({ count: 1 }, 'one')
  assert.deepEqual(value, { count: 1 })
  assert.deepEqual(shown(value), { 'text/plain': 'one' })
})

test('topics made, filled and deleted say so', async () => {
  assert.deepEqual(shown(await createTopic('told-here', { partitions: 2 })), {
    'text/plain': 'topic told-here made, 2 partitions',
  })
  const sent = await produce('told-here', [{ a: 1 }], { partition: 1 })
  assert.deepEqual(sent, { count: 1, positions: [{ partition: 1, offset: 0n }] })
  assert.deepEqual(shown(sent), { 'text/plain': '1 record to told-here: 1@0' })
  assert.deepEqual(shown(await deleteTopic('told-here')), { 'text/plain': 'topic told-here deleted' })
})
