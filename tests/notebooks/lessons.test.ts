/** Lessons 05 to 07 as a user runs them, and what they compute beside plain programs over the same records. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Session, startServer, stopServer } from './harness.ts'
import { codeCells, printed } from './notebook-run.ts'

const folder = mkdtempSync(join(tmpdir(), 'riffle-notebook-'))
before(startServer)
after(async () => {
  await stopServer()
  rmSync(folder, { recursive: true, force: true })
})

/** Records before it have long been there when a lesson starts. */
const SETTLED_MS = Date.UTC(2026, 0, 1, 9, 5)

async function runLesson(session: Session, file: string) {
  const cells = await codeCells(new URL(`../../notebooks/${file}`, import.meta.url).pathname)
  const runs = await Promise.all(cells.map(cell => session.run(cell.source, cell.id)))
  for (const run of runs) assert.equal(run.status, 'ok', `${run.cellId}: ${JSON.stringify(run.outputs)}`)
  const cell = (id: string) => runs.find(run => run.cellId === id) ?? assert.fail(`no cell ${id}`)
  assert.match(printed(cell('check')), /^Right\.$/m)
  return cell
}

async function drawn(session: Session, chart: { readonly chartId: string } | undefined, what: string) {
  assert.ok(chart !== undefined, what)
  await session.live.until(chart.chartId, `rows of ${what}`, seen => seen.rows.size > 0)
}

/** What an expression gives in the kernel, as JSON. */
async function valueOf<T>(session: Session, name: string, expression: string): Promise<T> {
  const path = join(folder, `${name}.json`)
  const run = await session.run(
    `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(path)}, JSON.stringify(${expression}))`,
  )
  assert.equal(run.status, 'ok', JSON.stringify(run.outputs))
  return JSON.parse(readFileSync(path, 'utf8')) as T
}

test('lesson 05: stateless and stateful', async () =>
  Session.use(async session => {
    const cell = await runLesson(session, '05-stateless-and-stateful.ipynb')
    for (const id of ['slow', 'pages']) await drawn(session, cell(id).charts[0], id)
    assert.match(printed(cell('word-count')), /be 1[^]*be 2[^]*be 3/)
    assert.match(printed(cell('own')), /'not'/)
    const counted = await valueOf<[string, number][]>(
      session,
      'pages',
      `Object.entries(Object.fromEntries((await (await topic('clicks', { from: 'earliest', to: 'latest', time: 'clickedAt' }))
        .filter(c => c.clickedAt < ${SETTLED_MS}).keyBy('page').aggregate({ n: count() }).toArray()).map(r => [r.page, r.n])))`,
    )
    const expected = new Map<string, number>()
    for (const { row } of await session.dump('clicks', join(folder, 'clicks.json'))) {
      if (Number(row['clickedAt']) < SETTLED_MS)
        expected.set(String(row['page']), (expected.get(String(row['page'])) ?? 0) + 1)
    }
    assert.ok(expected.size >= 6)
    assert.deepEqual(new Map(counted), expected)
  }))

test('lesson 06: every kind of window', async () =>
  Session.use(async session => {
    const cell = await runLesson(session, '06-windows.ipynb')
    for (const id of ['tumbling', 'hopping', 'cumulating', 'session', 'counting', 'over', 'cascade']) {
      await drawn(session, cell(id).charts[0], id)
    }
    assert.match(printed(cell('zone')), /24[^]*23[^]*24/)
    // Sessions against a plain program: sort the clicks of a user, cut where more than the gap lies between two.
    const visits = await valueOf<[string, number, number, number][]>(
      session,
      'visits',
      `(await (await topic('clicks', { from: 'earliest', to: 'latest', time: 'clickedAt', outOfOrder: '20m' }))
        .filter(c => c.clickedAt < ${SETTLED_MS}).keyBy('userId').window(session('30s')).aggregate({ n: count() }).toArray())
        .map(r => [r.userId, r.windowStart, r.windowEnd, r.n])`,
    )
    const byUser = new Map<string, number[]>()
    for (const { row } of await session.dump('clicks', join(folder, 'clicks-06.json'))) {
      const at = Number(row['clickedAt'])
      if (at < SETTLED_MS) byUser.set(String(row['userId']), [...(byUser.get(String(row['userId'])) ?? []), at])
    }
    const expected: string[] = []
    for (const [user, times] of byUser) {
      times.sort((a, b) => a - b)
      let start = 0
      times.forEach((at, i) => {
        const next = times[i + 1]
        if (next !== undefined && next - at <= 30_000) return
        expected.push([user, times[start], at + 30_000, i + 1 - start].join(' '))
        start = i + 1
      })
    }
    assert.ok(expected.length > 100)
    assert.deepEqual(visits.map(visit => visit.join(' ')).sort(), expected.sort())
  }))

test('lesson 07: event time and late data', async () =>
  Session.use(async session => {
    const cell = await runLesson(session, '07-event-time-and-late-data.ipynb')
    for (const id of ['live', 'early', 'dropped']) await drawn(session, cell(id).charts[0], id)
    assert.match(printed(cell('bounds')), /bound 0 ms: 2 dropped[^]*bound 3 ms: 1 dropped[^]*bound 10 ms: 0 dropped/)
    assert.match(printed(cell('lateness')), /0 onTime 0: 5[^]*0 late 1: 14[^]*10 onTime 0: 8/)
    assert.match(printed(cell('idle')), /\[ 0, 1 \]/)
    assert.match(printed(cell('wrong')), /without an offset[^]*is null/)
  }))
