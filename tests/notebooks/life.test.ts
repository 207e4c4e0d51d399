/** Law 5: a busy cell stops no stream, a busy stream slows no cell, and Stop means stop. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Session, startServer, stopServer } from './harness.ts'
import { printed } from './notebook-run.ts'

before(startServer)
after(stopServer)

const window = '%topic orders --from earliest\n%%window orders --tumbling 10s --by region --as perRegion'

test('a chart moves while another cell loops, and Stop ends the loop and nothing else', async () =>
  Session.use(async session => {
    const chart = await session.show(window)
    await session.run('const kept = { answer: 41 };')
    const loop = session.run("console.log('looping')\nwhile (true) {}")
    // 30 frames at 10 a second: three seconds and more of a busy cell.
    const before = session.live.chart(chart.chartId).status?.recordCount ?? 0
    await session.frames(chart, 30)
    assert.ok(session.live.chart(chart.chartId).status!.recordCount > before, 'records were read while the cell looped')
    await session.running.kernel.interrupt()
    const stopped = await loop
    assert.equal(stopped.status, 'error')
    assert.match(printed(stopped), /^looping\nInterrupted: /)
    const next = await session.run('kept.answer + 1')
    assert.equal(printed(next), '42')
    await session.frames(chart, 3)
  }))

test('process.exit() costs the variables, not the streams', async () =>
  Session.use(async session => {
    const chart = await session.show(window)
    await session.run('const gone = 1;')
    const exit = await session.run('process.exit(3)')
    assert.equal(exit.status, 'error')
    assert.match(printed(exit), /variables/i)
    await session.frames(chart, 5)
    const next = await session.run('gone')
    assert.match(printed(next), /^TypeScriptError: .*Cannot find name 'gone'/)
    const answer = await session.run("(await stream('perRegion').take(3)).length")
    assert.equal(printed(answer), '3')
  }))

test('a lambda that never returns fails its own stream with its line; others miss no window', async () =>
  Session.use(async session => {
    const first = await session.show(window)
    const second = await session.show('%%window orders --tumbling 5s --by product --as perProduct')
    const stuck = await session.run(
      'const stuck = orders.map(o => {\n  while (o.amount > -1e9) {}\n  return o\n})\nstuck',
    )
    assert.equal(stuck.status, 'ok')
    const failed = await session.live.until(
      stuck.charts[0]!.chartId,
      'the stuck stream failed',
      c => c.ended?.state === 'failed',
    )
    assert.match(failed.ended!.reason, /cell-\d+\.ts:1/)
    await session.frames(first, 5)
    await session.frames(second, 5)
    const again = await session.show(window.replace('perRegion', 'undisturbed'))
    const settledMs = Date.UTC(2026, 0, 1, 9, 9, 30)
    const rows = async (chartId: string) => {
      const chart = await session.live.until(chartId, 'settled', c => (c.status?.watermarkMs ?? 0) > settledMs)
      return [...chart.rows.values()]
        .filter(row => Number(row['windowEnd']) <= settledMs)
        .map(row => `${row['region']} ${row['windowStart']} ${row['count']}`)
        .sort()
    }
    await session.frames(again, 2)
    assert.deepEqual(await rows(first.chartId), await rows(again.chartId))
  }))

test('a window cell run three times is one stream with one chart, and an edit is followed below', async () =>
  Session.use(async session => {
    await session.run('%topic orders --from earliest', 'topic')
    const charts: string[] = []
    for (let i = 0; i < 3; i++) {
      charts.push((await session.show('%%window orders --tumbling 10s --by region --as perRegion', 'window')).chartId)
    }
    assert.deepEqual(new Set(charts).size, 1)
    const listed = await session.run('(await runtime().list()).map(s => s.name).sort().join()')
    assert.equal(printed(listed), "'orders,perRegion'")
    const below = await session.show('%%filter perRegion --as busy\nw => w.count > 0', 'below')
    await session.live.until(below.chartId, 'rows of 10 s', c => c.rows.size > 0)
    await session.show('%%window orders --tumbling 5s --by region --as perRegion', 'window')
    const followed = await session.live.until(below.chartId, 'rows of 5 s only', c => {
      const sizes = [...c.rows.values()].map(row => Number(row['windowEnd']) - Number(row['windowStart']))
      return sizes.length > 0 && sizes.every(size => size === 5_000)
    })
    assert.ok(followed.rows.size > 0)
  }))
