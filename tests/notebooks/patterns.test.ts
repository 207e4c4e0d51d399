/** Lesson 09 as a user runs it, and its first pattern against a plain program over the same records. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Session, startServer, stopServer } from './harness.ts'
import { codeCells } from './notebook-run.ts'

const folder = mkdtempSync(join(tmpdir(), 'riffle-notebook-'))
before(startServer)
after(async () => {
  await stopServer()
  rmSync(folder, { recursive: true, force: true })
})

interface Click {
  readonly userId: string
  readonly page: string
  readonly clickedAt: number
}

test('Run All of lesson 09, and every purchase after a login is what a plain program finds', async () =>
  Session.use(async session => {
    const cells = await codeCells(new URL('../../notebooks/09-patterns.ipynb', import.meta.url).pathname)
    const runs = await Promise.all(cells.map(cell => session.run(cell.source, cell.id)))
    for (const run of runs) assert.equal(run.status, 'ok', `${run.cellId}: ${JSON.stringify(run.outputs)}`)
    for (const cellId of ['bought', 'fraud', 'hot', 'cart', 'near']) {
      const [chart] = runs.find(run => run.cellId === cellId)!.charts
      assert.ok(chart !== undefined, cellId)
      await session.live.until(chart.chartId, `rows of ${cellId}`, seen => seen.rows.size > 0)
    }

    // Nothing is late with so wide a bound, so the answer is known.
    const path = join(folder, 'bought.json')
    const run = await session.run(`
      import { writeFileSync } from 'node:fs'
      const all = await topic('clicks', { from: 'earliest', to: 'latest', time: 'clickedAt', outOfOrder: '20m' })
      const pairs = await all
        .keyBy('userId')
        .match('login -> purchase', { login: c => c.page === 'login', purchase: c => c.page === 'purchase' }, { within: '10m' })
        .select(m => [m.login[0].userId, m.login[0].clickedAt, m.purchase[0].clickedAt])
        .toArray()
      writeFileSync(${JSON.stringify(path)}, JSON.stringify(pairs));`)
    assert.equal(run.status, 'ok', JSON.stringify(run.outputs))
    const dumped = await session.dump('clicks', join(folder, 'clicks.json'))
    const until = Date.UTC(2026, 0, 1, 9, 9)
    const clicks = dumped.map(d => d.row as unknown as Click).sort((a, b) => a.clickedAt - b.clickedAt)
    const logins = new Map<string, number>()
    const expected: string[] = []
    for (const { userId, page, clickedAt } of clicks) {
      if (page === 'login' && !logins.has(userId)) logins.set(userId, clickedAt)
      const login = logins.get(userId)
      if (login !== undefined && clickedAt - login >= 600_000) logins.delete(userId)
      else if (page === 'purchase' && login !== undefined) {
        // The earliest open login is kept; what lies before the purchase is skipped.
        if (clickedAt < until) expected.push(`${userId} ${login} ${clickedAt}`)
        logins.delete(userId)
      }
    }
    const found = (JSON.parse(readFileSync(path, 'utf8')) as [string, number, number][])
      .filter(([, , at]) => at < until)
      .map(row => row.join(' '))
    assert.ok(expected.length > 50, `${expected.length} purchases`)
    assert.deepEqual(found.sort(), expected.sort())
  }))
