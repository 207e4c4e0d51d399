/**
 * The shared join cases through the public API: two feeds are told their entries one by one; after each the rows that came out
 * belong to that step. The expected rows were computed elsewhere (semantics/FORMAT.md).
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { cumulating, eventTime, feed, hopping, session, tumbling } from '../../stream/index.ts'
import type { Feed, JoinOptions, Stream } from '../../stream/index.ts'

interface Row {
  readonly key: string | null
  readonly at: number
  readonly value: string | null
  readonly position: number
}

interface Join {
  readonly kind: 'join'
  readonly mode: 'interval' | 'window' | 'table' | 'as-of'
  readonly left: string
  readonly right: string
  readonly type: string
  readonly withinMs?: readonly [number, number]
  readonly window?: Readonly<Record<string, number>> & { readonly kind: never }
}

interface Entry {
  readonly stream?: string
  readonly key?: string | null
  readonly eventTimeMs?: number
  readonly value?: string | null
  readonly partition?: number
  readonly watermark?: number
  readonly idle?: true
}

interface Case {
  readonly id: string
  readonly title: string
  readonly compare: 'steps' | 'rows' | 'net'
  readonly streams: Readonly<
    Record<string, { readonly partitions: number; readonly watermark: 'explicit' | { readonly outOfOrderMs: number } }>
  >
  readonly operator: Join
  readonly input: readonly Entry[]
  readonly end: 'drain' | 'stop'
  readonly expected: { readonly rows: readonly Readonly<Record<string, unknown>>[]; readonly late: readonly number[] }
}

const folder = new URL('./semantics/', import.meta.url)
let ran = 0
for (const file of readdirSync(folder).filter(name => name.endsWith('-join.json'))) {
  const { cases } = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as { cases: Case[] }
  for (const c of cases) {
    test(`${file} ${c.id}: ${c.title}`, () => runCase(c))
    ran++
  }
}
test('cases were found', () => assert.ok(ran >= 40, `${ran} cases`))

async function runCase(c: Case): Promise<void> {
  const feeds = new Map<string, Feed<Row>>()
  for (const [name, { partitions, watermark }] of Object.entries(c.streams)) {
    const outOfOrder = watermark === 'explicit' ? undefined : watermark.outOfOrderMs
    feeds.set(name, feed<Row>({ time: 'at', partitions, outOfOrder }))
  }
  const [left, right] = [feeds.get(c.operator.left), feeds.get(c.operator.right)]
  assert.ok(left !== undefined && right !== undefined)
  const joined = left.join(right, optionsOf(c.operator)) as Stream<Record<string, unknown>>
  const rows: Record<string, unknown>[] = []
  const late: number[] = []
  let step = 0
  const reading = joined.forEach(row => rows.push({ step, ...columnsOf(row, c.operator) }))
  const readingLate = joined.late().forEach(refused => late.push((refused.row as Row).position))
  for (const [position, entry] of c.input.entries()) {
    step = position
    await tell(feeds, entry, position)
  }
  step = c.input.length
  // A stopped stream sends nothing, whatever its sources go on to do.
  if (c.end === 'stop') await joined.stop()
  for (const source of feeds.values()) await source.end()
  await Promise.all([reading, readingLate])
  assert.deepEqual(shown(rows, c.compare), shown(c.expected.rows, c.compare))
  assert.deepEqual(
    late.sort((a, b) => a - b),
    [...c.expected.late].sort((a, b) => a - b),
  )
}

async function tell(feeds: ReadonlyMap<string, Feed<Row>>, entry: Entry, position: number): Promise<void> {
  const { stream, key = null, eventTimeMs, value = null, partition } = entry
  if (entry.watermark !== undefined) {
    for (const [name, source] of feeds)
      if (stream === undefined || stream === name) await source.watermark(entry.watermark, partition)
    return
  }
  const source = feeds.get(stream ?? '')
  assert.ok(source !== undefined)
  if (entry.idle === true) return source.idle(partition ?? 0)
  assert.ok(eventTimeMs !== undefined)
  // Half of the deletions are tombstones, half are rows that `deleted` tells.
  if (value === null && position % 2 === 0) await source.push(null, { partition, key, eventTime: eventTimeMs })
  else await source.push({ key, at: eventTimeMs, value, position }, { partition })
}

function optionsOf({ mode, type, withinMs, window }: Join): JoinOptions<Row, Row> {
  const shared = { on: 'key', type } as { on: 'key'; type: 'inner' }
  const deleted = (row: Row) => row.value === null
  if (mode === 'table') return { ...shared, table: true, deleted }
  if (mode === 'as-of') return { ...shared, asOf: true, deleted }
  if (mode === 'interval') {
    assert.ok(withinMs !== undefined)
    const [lo, hi] = withinMs
    return { ...shared, within: -lo === hi ? `${hi}ms` : `${lo}ms..${hi}ms` }
  }
  assert.ok(window !== undefined)
  const { kind, sizeMs = 0, slideMs = 0, maxSizeMs = 0, stepMs = 0, gapMs = 0, offsetMs = 0 } = window
  const made = {
    tumbling: () => tumbling(sizeMs, { offset: offsetMs }),
    hopping: () => hopping(sizeMs, slideMs, { offset: offsetMs }),
    cumulating: () => cumulating(maxSizeMs, stepMs, { offset: offsetMs }),
    session: () => session(gapMs),
  }
  return { ...shared, window: made[kind as keyof typeof made]() }
}

function columnsOf(row: Record<string, unknown>, { mode, type }: Join): Record<string, unknown> {
  const { left, right, windowStart, windowEnd } = row as { left: Row | null; right?: Row | null } & Record<string, unknown>
  const columns: Record<string, unknown> = { key: (left ?? right)?.key, left: left?.value ?? null }
  if (type !== 'semi' && type !== 'anti') columns['right'] = right?.value ?? null
  return mode === 'window' ? { ...columns, windowStart, windowEnd } : { ...columns, time: eventTime(row) }
}

function shown(rows: readonly Readonly<Record<string, unknown>>[], compare: Case['compare']): string[] {
  return rows
    .map(({ step, ...rest }) => {
      const kept = compare === 'steps' ? { step, ...rest } : rest
      return JSON.stringify(Object.fromEntries(Object.entries(kept).sort(([a], [b]) => (a < b ? -1 : 1))))
    })
    .sort()
}
