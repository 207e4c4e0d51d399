/** Law 2: what cannot be decoded or has no time is counted and shown with its position, and is never fatal. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Session, startServer, stopServer } from './harness.ts'
import { printed } from './notebook-run.ts'

before(startServer)
after(stopServer)

test('garbage in a topic is counted with its position and the good records come through', async () =>
  Session.use(async session => {
    await session.run('%topics create mixed --partitions 1')
    const good = (at: number) => JSON.stringify({ at, v: 1 })
    const bodies = [
      `%%produce mixed --format text\n${good(1_767_258_000_000)}\nthis is no JSON`,
      '%%produce mixed\nnull',
      '%%produce mixed\n{"v": 1}\n{"at": "soon", "v": 1}',
      `%%produce mixed\n${good(1_767_258_012_000)}`,
    ]
    for (const body of bodies) assert.equal((await session.run(body)).status, 'ok', body)
    const chart = await session.show(
      '%topic mixed --from earliest --time at\n%%window mixed --tumbling 10s --as counted',
    )
    const seen = await session.live.until(chart.chartId, 'two good, four bad', c => c.status?.errorCount === 4)
    const told = seen.status!.errors.join('\n')
    for (const position of ['0@1', '0@2', '0@3', '0@4']) assert.ok(told.includes(position), told)
    const windows = [...seen.rows.values()].map(row => `${row['windowStart']} ${row['count']}`)
    assert.deepEqual(windows.sort(), ['1767258000000 1', '1767258010000 1'])
    const kept = await session.run(
      "(await stream('mixed').errors().take(4)).map(e => `${e.partition}:${e.offset} ${e.reason}`).join('\\n')",
    )
    assert.match(printed(kept), /0:1 .*JSON.*0:2 .*(null|tombstone).*0:3 .*at.*0:4 .*soon/s)
    const next = await session.run('6 * 7')
    assert.equal(printed(next), '42')
  }))
