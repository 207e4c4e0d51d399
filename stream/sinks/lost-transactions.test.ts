/** A transaction that is lost while the last lost one is being made again: one at a time is made, for two would fence each other. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { EmbeddedConnection } from '../connectors/embedded.ts'
import { StreamError } from '../errors.ts'
import { LocalRuntime, setRuntime, topic } from '../index.ts'
import { VirtualClock } from '../time/clock.ts'

const away = () => new StreamError({ code: 'KAFKA_UNREACHABLE', message: 'Cannot commit: away', retriable: true })

test('a transaction that is lost while it opens is made again once', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'riffle-lost-'))
  const clock = new VirtualClock(1_767_258_000_000)
  const connection = new EmbeddedConnection({ clock, demos: [] })
  const runtime = new LocalRuntime({ clock, embedded: async () => connection })
  setRuntime(runtime)
  t.after(async () => {
    await runtime.close()
    rmSync(folder, { recursive: true, force: true })
  })
  await runtime.checkpoint({ folder, everyMs: 600_000 })
  for (const name of ['in', 'out']) await connection.create(name, { partitions: 1 })
  await connection.produce('in', [{ key: null, value: Buffer.from('{"i":1}') }])

  const open = connection.transactions.bind(connection)
  let opened = 0
  let refused = 0
  connection.transactions = async (name, options) => {
    const writer = await open(name, options)
    const number = ++opened
    const commit = writer.commit.bind(writer)
    // The broker is away for the first two.
    writer.commit = (sources, note) => {
      refused = Math.max(refused, number)
      return number <= 2 ? Promise.reject(away()) : commit(sources, note)
    }
    return writer
  }
  const read = connection.read.bind(connection)
  let reading = () => undefined as void
  let lose: (error: Error) => void = () => undefined
  connection.read = (name, options) => {
    if (opened !== 2 || name !== 'in') return read(name, options)
    reading()
    return new Promise((_resolve, reject) => (lose = reject))
  }

  const turn = async (ms: number) => {
    clock.advance(ms)
    for (let i = 0; i < 5; i++) await new Promise<void>(resolve => setImmediate(resolve))
  }
  /** States go to a real disk, which may take its time. */
  const until = async (what: string, holds: () => boolean | Promise<boolean>) => {
    const limitMs = performance.now() + 60_000
    while (!(await holds())) {
      assert.ok(performance.now() < limitMs, `not within a minute: ${what}`)
      await turn(100)
    }
  }
  const second = new Promise<void>(resolve => (reading = resolve))
  await (await topic('in', { from: 'earliest' })).to('out', { as: 'once', transactional: true })
  await until('the second transaction opens', () => opened === 2)
  await second
  // Its first commit is lost, then what it was about to read from.
  await until('its commit is refused', () => refused === 2)
  await turn(0)
  lose(away())
  const values = async () => {
    const reader = await read('out', { from: 'earliest', to: 'latest' })
    let count = 0
    for (let result = await reader.next(); result !== null; result = await reader.next()) count += result.batch.count
    return count
  }
  await until('the row is committed', async () => (await values()) > 0)
  for (let i = 0; i < 50; i++) await turn(100)
  assert.deepEqual({ opened, rows: await values() }, { opened: 3, rows: 1 })
})
