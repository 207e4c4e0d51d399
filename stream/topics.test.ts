/** How built-in topics are stored, altered and listed. */
import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { EmbeddedConnection } from './connectors/embedded.ts'
import {
  alterTopic,
  createTopic,
  groups,
  LocalRuntime,
  produce,
  schemas,
  setRuntime,
  topicLog,
  topics,
} from './index.ts'
import { MemoryRegistry } from './schemas/memory-registry.ts'
import { parseSize } from './size.ts'
import { VirtualClock } from './time/clock.ts'

beforeEach(() => {
  const clock = new VirtualClock(1_767_258_000_000)
  const connection = new EmbeddedConnection({ clock, demos: [], registry: new MemoryRegistry() })
  setRuntime(new LocalRuntime({ clock, embedded: async () => connection }))
})

test('the log of a topic is its segments', async () => {
  await createTopic('t', { partitions: 2 })
  await produce('t', Array.from({ length: 5000 }, (_, i) => ({ i })), { partition: 1 }) // prettier-ignore
  const at = '2026-01-01T09:00:00.000Z'
  assert.deepEqual(
    (await topicLog('t')).map(({ bytes: _bytes, ...row }) => row),
    [
      { partition: 0, segment: 0n, first: 0n, last: undefined, records: 0, oldest: undefined, newest: undefined },
      // A segment is sealed at 4096 records.
      { partition: 1, segment: 0n, first: 0n, last: 4095n, records: 4096, oldest: at, newest: at },
      { partition: 1, segment: 4096n, first: 4096n, last: 4999n, records: 904, oldest: at, newest: at },
    ],
  )
  await assert.rejects(topicLog('u'), { code: 'TOPIC_UNKNOWN' })
})

test('a smaller retention drops the oldest segments', async () => {
  await createTopic('t', { partitions: 1 })
  await produce('t', Array.from({ length: 9000 }, (_, i) => ({ i }))) // prettier-ignore
  await alterTopic('t', { retentionSize: 20_000 })
  assert.deepEqual(
    (await topicLog('t')).map(({ first }) => first),
    [8192n],
  )
  await alterTopic('t', { partitions: 3 })
  assert.equal((await topics())[0]?.partitions.length, 3)
  await assert.rejects(alterTopic('t', { partitions: 2 }), { code: 'OPTION_INVALID' })
  await assert.rejects(alterTopic('t', { retention: '7d' }), {
    message: 'Cannot set how long topic "t" keeps records: built-in topics keep them by size',
    hint: '%topics alter t --retention-size 64MB',
  })
  await assert.rejects(alterTopic('t', {}), { code: 'OPTION_INVALID', message: /nothing to change is named/ })
})

test('topics tell their registered schemas when asked', async () => {
  await createTopic('t')
  await schemas.register('t-value', { type: 'record', name: 'T', fields: [{ name: 'v', type: 'int' }] })
  assert.deepEqual(
    (await topics({ facts: true })).map(({ keySchema, valueSchema }) => [keySchema, valueSchema]),
    [[undefined, 'avro v1']],
  )
  assert.equal((await topics())[0]?.valueSchema, undefined)
})

test('built-in topics have no groups', async () => {
  assert.deepEqual([...(await groups())], [])
  await assert.rejects(groups('billing'), { code: 'OPTION_INVALID' })
})

test('sizes are numbers with a unit', () => {
  assert.deepEqual(['64kB', '1.5MB', '1GB', 12].map(parseSize), [64_000, 1_500_000, 1_000_000_000, 12])
  for (const wrong of ['64', '1 mb', '-1MB', '0B', 0, 1.5]) assert.throws(() => parseSize(wrong), { code: 'OPTION_INVALID' }) // prettier-ignore
})
