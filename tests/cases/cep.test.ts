/**
 * The shared pattern cases through the public API. Matches and timeouts were computed by Flink CEP (cep/FORMAT.md); order among them
 * does not count, doubles do.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { feed, StreamError } from '../../stream/index.ts'
import type { Feed, MatchSettings, Stream } from '../../stream/index.ts'
import type { SourceEvent } from '../../stream/model.ts'
import { buildPipeline } from '../../stream/pipeline.ts'
import type { PlanNode } from '../../stream/plan.ts'

type Event = Readonly<Record<string, unknown>> & { readonly id: string; readonly eventTimeMs: number }
type Entry = Event | { readonly watermarkMs: number } | { readonly restore: true }
type Taken = Readonly<Record<string, readonly string[]>>

interface PatternCase {
  readonly pattern: string
  readonly steps: Readonly<Record<string, string>>
  readonly within?: string
  readonly skip?: MatchSettings['skip']
  readonly expected?: readonly Taken[]
  readonly timeouts?: readonly { readonly match: Taken; readonly timeoutMs: number }[]
  readonly late?: readonly string[]
  readonly error?: string
}

interface Case extends Partial<PatternCase> {
  readonly name: string
  readonly key?: string
  readonly events?: readonly Entry[]
  readonly patterns?: readonly PatternCase[]
}

const folder = new URL('./cep/', import.meta.url)
let ran = 0
for (const file of readdirSync(folder).filter(name => name.endsWith('.json'))) {
  const cases = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Case[]
  for (const c of cases) {
    const patterns = c.patterns ?? [c as PatternCase]
    for (const [i, pattern] of patterns.entries()) {
      test(`${file} ${c.name}${patterns.length > 1 ? ` (${i + 1})` : ''}`, () => runCase(c, pattern))
      ran++
    }
  }
}

test('the case files are there', () => {
  assert.ok(ran >= 120, `only ${ran} cases were found`)
})

async function runCase(c: Case, p: PatternCase): Promise<void> {
  if (c.events === undefined) {
    assert.throws(() => matchOf(feed<Event>({ time: 'eventTimeMs' }), c, p), ruleIs(p.error))
    return
  }
  const run = async (output: 'matches' | 'timeouts' | 'late') => {
    const f = feed<Event>({ time: 'eventTimeMs' })
    const matches = matchOf(f, c, p)
    const stream: Stream<unknown> =
      output === 'matches' ? matches : output === 'timeouts' ? matches.timeouts() : matches.late()
    return rowsOf(f, stream, c.events as readonly Entry[])
  }
  if (p.error !== undefined) {
    await assert.rejects(run('matches'), ruleIs(p.error))
    return
  }
  assert.deepEqual(sorted((await run('matches')).map(idsOf)), sorted((p.expected ?? []).map(compact)))
  const plan = matchOf(feed<Event>({ time: 'eventTimeMs' }), c, p).plan
  assert.deepEqual(sorted(restartedRows(plan, c.events).map(idsOf)), sorted((p.expected ?? []).map(compact)))
  if (p.timeouts !== undefined) {
    const timeouts = (await run('timeouts')) as { match: unknown; timeoutMs: number }[]
    assert.deepEqual(
      sorted(timeouts.map(t => ({ match: idsOf(t.match), timeoutMs: t.timeoutMs }))),
      sorted(p.timeouts.map(t => ({ match: compact(t.match), timeoutMs: t.timeoutMs }))),
    )
  }
  const late = (await run('late')) as { row: Event }[]
  assert.deepEqual(
    late.map(l => l.row.id),
    c.late ?? [],
  )
}

function matchOf(f: Feed<Event>, c: Case, p: PatternCase) {
  const definitions = Object.fromEntries(
    Object.entries(p.steps).map(([name, text]) => [
      name,
      // The text of a definition in a case file is a lambda.
      // eslint-disable-next-line @typescript-eslint/no-implied-eval -- see above
      new Function(`return (${text})`)() as (e: Event, m: Record<string, Event[]>) => unknown,
    ]),
  )
  const settings: MatchSettings = { within: p.within, skip: p.skip }
  return c.key === undefined
    ? f.match(p.pattern, definitions, settings)
    : f.keyBy(e => e[c.key as string]).match(p.pattern, definitions, settings)
}

/** Tells the feed the entries one by one; a restore goes on in a fresh operator made of the snapshot. */
async function rowsOf(f: Feed<Event>, stream: Stream<unknown>, entries: readonly Entry[]): Promise<unknown[]> {
  const name = `case${++streams}`
  await stream.bindName(name, { listed: false })
  const source = stream.subscribe({})
  const rows: unknown[] = []
  const reading = (async () => {
    for (let chunk = await source.next(); chunk !== null; chunk = await source.next()) rows.push(...chunk.rows)
  })()
  reading.catch(() => undefined)
  try {
    for (const entry of entries) {
      if ('restore' in entry) await stream.restore(await stream.snapshot())
      else if ('watermarkMs' in entry) await f.watermark(entry.watermarkMs as number)
      else await f.push(entry)
    }
    await f.end()
    await reading
  } finally {
    await stream.stop()
  }
  return rows
}

/** A fresh operator made of the last one's snapshot before every entry and before the end. */
function restartedRows(plan: PlanNode, entries: readonly Entry[]): unknown[] {
  const rows: unknown[] = []
  const build = () =>
    buildPipeline(plan, {
      revive: slot => slot as (...args: never[]) => unknown,
      decode: () => ({ rows: [], keys: [], failures: [] }),
      onOutput: batch => rows.push(...batch.rows),
    })
  let pipeline = build()
  const tell = (event: SourceEvent) => {
    const bytes = pipeline.snapshot()
    pipeline = build()
    pipeline.restore(bytes)
    pipeline.push(0, event)
  }
  for (const entry of entries) {
    if ('restore' in entry) continue
    if ('watermarkMs' in entry) tell({ kind: 'watermark', watermarkMs: entry.watermarkMs as number })
    else tell({ kind: 'rows', rows: [entry] })
  }
  tell({ kind: 'end' })
  return rows
}

let streams = 0

function ruleIs(rule: string | undefined) {
  return (error: unknown) => {
    assert.ok(error instanceof StreamError)
    assert.equal(error.rule, rule)
    assert.notEqual(error.hint, undefined)
    return true
  }
}

function idsOf(match: unknown): Taken {
  return compact(
    Object.fromEntries(
      Object.entries(match as Record<string, Event[]>).map(([step, events]) => [step, events.map(e => e.id)]),
    ),
  )
}

/** A step that took nothing is absent. */
function compact(taken: Taken): Taken {
  return Object.fromEntries(
    Object.entries(taken)
      .filter(([, ids]) => ids.length > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

function sorted<T>(rows: readonly T[]): T[] {
  return rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}
