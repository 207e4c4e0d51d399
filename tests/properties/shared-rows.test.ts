import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { settings } from './settings.ts'
import { createTopic, LocalRuntime, produce, setRuntime, topic } from '../../stream/index.ts'
import { EmbeddedConnection } from '../../stream/connectors/embedded.ts'
import { packEnvelopes } from '../../stream/connectors/connector.ts'
import { sliceBatch } from '../../stream/targets/slices.ts'
import { avroEncoder } from '../../stream/schemas/avro-encode.ts'
import { parseAvro } from '../../stream/schemas/avro-schema.ts'
import { decodeBatch } from '../../stream/schemas/decode.ts'
import { framed } from '../../stream/schemas/framing.ts'
import { SharedRows } from '../../stream/schemas/shared-rows.ts'
import { VirtualClock } from '../../stream/time/clock.ts'
import type { EnvelopeBatch } from '../../stream/model.ts'
import type { BatchSchemas } from '../../stream/schema-model.ts'
import type { DecodeOptions } from '../../stream/schemas/decode.ts'
import type { SharedReader } from '../../stream/schemas/shared-rows.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const schema = JSON.stringify({
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'tags', type: { type: 'array', items: 'string' } },
  ],
})
const encode = avroEncoder(parseAvro(schema))
const writer = { type: 'AVRO' as const, text: schema }
const schemas: BatchSchemas = { refs: new Map([[1, writer]]) }

/** Records of three partitions in turns; every fifth is Avro, some are broken, some null. */
function topicOf(count: number, log = 1): EnvelopeBatch {
  const of = (log - 1) * 1000
  const value = (i: number) => {
    if (i % 11 === 7) return null
    if (i % 11 === 5) return utf8('{"broken":')
    if (i % 5 === 0) return framed(1, encode({ id: `o-${of + i}`, tags: ['a', String(i)] }))
    return utf8(JSON.stringify({ id: `o-${of + i}`, n: i, of: { at: [i, { deep: 'ä' }] } }))
  }
  const records = Array.from({ length: count }, (_, i) => ({
    partition: i % 3,
    offset: BigInt(Math.floor(i / 3)),
    timestampMs: i,
    key: i % 4 === 0 ? null : utf8(`k${i}`),
    value: value(i),
  }))
  return { ...packEnvelopes(records), schemas, log }
}

const plain = (count: number, log = 1): EnvelopeBatch => {
  const records = Array.from({ length: count }, (_, i) => ({
    partition: 0,
    offset: BigInt(i),
    timestampMs: i,
    key: null,
    value: utf8(`{"n":${i}}`),
  }))
  return { ...packEnvelopes(records), log }
}

/** What a lambda may do to its row. */
function spoil(rows: readonly unknown[]): void {
  for (const row of rows as Record<string, unknown>[]) {
    if (row === undefined) continue
    const { of, tags } = row as { of?: { at: unknown[] }; tags?: unknown[] }
    tags?.push('spoilt')
    if (of !== undefined) {
      ;(of.at[1] as Record<string, unknown>)['deep'] = 'spoilt'
      of.at.length = 0
    }
    row['id'] = 'spoilt'
    row['more'] = 1
  }
}

/** How often text was parsed while `work` was done. */
function parsed(work: () => void): number {
  const counting = countParses()
  work()
  return counting.end()
}

function countParses(): { end(): number } {
  const { parse } = JSON
  let count = 0
  JSON.parse = (...args) => {
    count++
    return parse(...args) as unknown
  }
  return {
    end: () => {
      JSON.parse = parse
      return count
    },
  }
}

test('each stream of a topic has the rows it has alone, whatever the others read and do to theirs', () => {
  const formats: DecodeOptions[] = [{}, {}, {}, { format: 'json' }, { format: 'text' }, { schema: { name: 's', text: schema } }] // prettier-ignore
  const wholes = [topicOf(240, 1), topicOf(240, 2)]
  const step = fc.record({
    reader: fc.nat(formats.length - 1),
    count: fc.integer({ min: 1, max: 40 }),
    // Most steps read on; some start again elsewhere, some end, some read another log of the same offsets.
    act: fc.oneof({ weight: 12, arbitrary: fc.constant('on') }, fc.constantFrom('seek', 'end', 'other')),
    to: fc.nat(239),
  })
  const limits = fc.constantFrom({}, { bytes: 2000 }, { reachRecords: 20 })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), limits, (steps, limit) => {
      const shared = new SharedRows(limit)
      // The second and the fourth only read.
      const readers = formats.map((options, i) => shared.reader(options, i % 2 === 1))
      const held: [rows: readonly unknown[], batch: EnvelopeBatch, reader: number][] = []
      const at = formats.map(() => 0)
      const logs = formats.map(() => 1)
      for (const { reader, count, act, to } of steps) {
        if (act === 'end') readers[reader]!.close()
        if (act === 'seek') at[reader] = to
        if (act === 'other') logs[reader] = 2
        const from = at[reader]!
        const end = Math.min(240, from + count)
        at[reader] = end
        const batch = sliceBatch(wholes[logs[reader]! - 1]!, from, end)
        const decoded = readers[reader]!.decode(batch)
        assert.deepEqual(decoded, decodeBatch(batch, formats[reader]))
        if (reader % 2 === 0) spoil(decoded.rows)
        else held.push([decoded.rows, batch, reader])
        assert.ok(shared.bytes <= (limit.bytes ?? Infinity))
      }
      // Also when others have come by.
      for (const [rows, batch, reader] of held) assert.deepEqual(rows, decodeBatch(batch, formats[reader]).rows)
      for (const reader of readers) reader.close()
      assert.equal(shared.bytes, 0)
    }),
    settings(100),
  )
})

test('streams that are close to one another decode each record once, in whatever order they come to it', () => {
  const whole = plain(300)
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 50 })), { maxLength: 40 }), steps => {
      const shared = new SharedRows()
      const readers = [0, 1, 2].map(() => shared.reader({}))
      const read = (reader: number, from: number, to: number) =>
        assert.equal(readers[reader]!.decode(sliceBatch(whole, from, to)).rows.length, to - from)
      // Where a stream stands is known from its first record on.
      for (const reader of [0, 1, 2]) read(reader, 0, 1)
      const at = [1, 1, 1]
      const times = parsed(() => {
        for (const [reader, count] of [...steps, [0, 300] as const, [1, 300] as const, [2, 300] as const]) {
          const end = Math.min(whole.count, at[reader]! + count)
          if (end > at[reader]!) read(reader, at[reader]!, end)
          at[reader] = end
        }
      })
      assert.equal(times, 299)
      // The last of them has taken what was left.
      assert.equal(shared.bytes, 0)
    }),
    settings(40),
  )
})

test('a stream alone leaves nothing', () => {
  const shared = new SharedRows()
  const [one, other] = [shared.reader({}), shared.reader({})]
  one.decode(plain(10))
  other.decode(plain(10, 2))
  assert.equal(shared.bytes, 0)
  other.decode(sliceBatch(plain(1), 0, 1))
  one.decode(sliceBatch(plain(20), 10, 20))
  assert.ok(shared.bytes > 0)
  other.close()
  assert.equal(shared.bytes, 0)
})

test('records of another log with the same positions are others', () => {
  const shared = new SharedRows()
  const [one, other, third] = [shared.reader({}), shared.reader({}), shared.reader({})]
  const idOf = (reader: SharedReader, log: number, row: number) =>
    (reader.decode(sliceBatch(topicOf(20, log), row, row + 1)).rows[0] as { id: string }).id
  // Where each stands is known from its first record on.
  assert.deepEqual([idOf(one, 1, 1), idOf(other, 1, 1), idOf(third, 2, 1)], ['o-1', 'o-1', 'o-1001'])
  assert.deepEqual([idOf(one, 1, 4), idOf(third, 2, 4), idOf(other, 1, 4)], ['o-4', 'o-1004', 'o-4'])
})

test('for a stream that is far behind nothing is left; close again, it takes what the other decoded', () => {
  const whole = plain(1000)
  const shared = new SharedRows({ reachRecords: 200 })
  const [fast, slow] = [shared.reader({}), shared.reader({})]
  const read = (reader: SharedReader, from: number, to: number) =>
    parsed(() => void reader.decode(sliceBatch(whole, from, to)))
  read(slow, 0, 1)
  read(fast, 0, 800)
  const left = shared.bytes
  assert.equal(read(fast, 800, 900), 100)
  assert.equal(shared.bytes, left)
  assert.equal(read(slow, 1, 202), 0)
  assert.equal(read(slow, 202, 900), 698)
  assert.equal(shared.bytes, 0)
  assert.equal(read(fast, 900, 1000), 100)
  assert.equal(read(slow, 900, 1000), 0)
})

test('what is left is bounded in bytes: the oldest goes first, and is decoded by who comes for it', () => {
  const whole = plain(2000)
  const shared = new SharedRows({ bytes: 100_000 })
  const [fast, slow] = [shared.reader({}), shared.reader({})]
  slow.decode(sliceBatch(whole, 0, 1))
  fast.decode(whole)
  assert.ok(shared.bytes > 60_000 && shared.bytes <= 100_000, String(shared.bytes))
  const times = parsed(() => assert.deepEqual(slow.decode(sliceBatch(whole, 1, 2000)).rows[1998], { n: 1999 }))
  assert.ok(times > 1000 && times < 1600, String(times))
})

test('records read by another version of their schema are decoded anew', () => {
  const older = { ...schemas, valueReader: undefined }
  const withNote = schema.replace('"fields":[', '"fields":[{"name":"note","type":"string","default":"none"},')
  const newer: BatchSchemas = {
    ...schemas,
    valueReader: { ...writer, text: withNote, subject: 't', version: 2, id: 2 },
  }
  const batch = sliceBatch(topicOf(30), 15, 16)
  const shared = new SharedRows()
  const [one, other] = [shared.reader({}), shared.reader({})]
  for (const reader of [one, other]) reader.decode(sliceBatch(topicOf(1), 0, 1))
  assert.deepEqual(one.decode({ ...batch, schemas: older }).rows, [{ id: 'o-15', tags: ['a', '15'] }])
  assert.deepEqual(other.decode({ ...batch, schemas: newer }).rows, [{ note: 'none', id: 'o-15', tags: ['a', '15'] }])
})

test('three streams at the end of a topic decode what comes once, each with rows of its own', async () => {
  const clock = new VirtualClock(1_767_258_000_000)
  const connection = new EmbeddedConnection({ clock, demos: [] })
  setRuntime(new LocalRuntime({ clock, embedded: async () => connection }))
  await createTopic('orders', { partitions: 1 })
  const rowsOf = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => ({ n: from + i, tags: ['a'] }))
  await produce('orders', rowsOf(0, 1))
  const orders = await topic('orders', { from: 'earliest' })
  const spoilt = orders.map(o => {
    o.tags.push('spoilt')
    o.n = -o.n
    return o
  })
  const readings = [spoilt, orders, spoilt].map(stream => stream[Symbol.asyncIterator]())
  for (const reading of readings) await reading.next()
  const counting = countParses()
  await produce('orders', rowsOf(1, 400))
  const found = await Promise.all(
    readings.map(async reading => {
      const rows: unknown[] = []
      while (rows.length < 399) rows.push((await reading.next()).value)
      await reading.return?.()
      return rows
    }),
  )
  assert.equal(counting.end(), 399)
  const mapped = Array.from({ length: 399 }, (_, i) => ({ n: -(i + 1), tags: ['a', 'spoilt'] }))
  assert.deepEqual(found, [mapped, rowsOf(1, 400), mapped])
})
