/**
 * The shared window cases through the public API: each case is a feed that is told its entries one by one; after each the rows
 * that came out belong to that step. The expected rows were computed elsewhere (semantics/FORMAT.md).
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  collect,
  count,
  countDistinct,
  counting,
  cumulating,
  feed,
  hopping,
  max,
  mean,
  min,
  session,
  sum,
  tumbling,
} from '../../stream/index.ts'
import type { Feed } from '../../stream/index.ts'
import type { Stream } from '../../stream/stream.ts'

interface Row {
  readonly key: unknown
  readonly at: number
  readonly value: number | null
  readonly position: number
}

interface WindowCase {
  readonly input: string
  readonly window: Readonly<Record<string, unknown>> & { readonly kind: string }
  readonly by: readonly string[]
  readonly latenessMs: number
  readonly emit: 'final' | 'changes' | { readonly everyMs: number }
  readonly aggregates: Readonly<Record<string, readonly [string, string?]>>
}

interface Case {
  readonly id: string
  readonly title: string
  readonly compare: 'steps' | 'rows' | 'net'
  readonly streams: Readonly<
    Record<string, { readonly partitions: number; readonly watermark: 'explicit' | { readonly outOfOrderMs: number } }>
  >
  readonly operator:
    | ({ readonly kind: 'window' } & WindowCase)
    | { readonly kind: 'cascade'; readonly first: WindowCase; readonly second: WindowCase; readonly value: string }
  readonly input: readonly Entry[]
  readonly end: 'drain' | 'stop'
  readonly expected: { readonly rows: readonly Readonly<Record<string, unknown>>[]; readonly late: readonly number[] }
}

interface Entry {
  readonly key?: unknown
  readonly eventTimeMs?: number
  readonly value?: number | null
  readonly partition?: number
  readonly watermark?: number
  readonly idle?: true
}

const folder = new URL('./semantics/', import.meta.url)
let ran = 0
for (const file of readdirSync(folder).filter(name => name.endsWith('.json') && !name.endsWith('-join.json'))) {
  const { cases } = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as { cases: Case[] }
  for (const c of cases) {
    test(`${file} ${c.id}: ${c.title}`, () => runCase(c))
    ran++
  }
}
test('cases were found', () => assert.ok(ran >= 40, `${ran} cases`))

async function runCase(c: Case): Promise<void> {
  const input = c.streams['in']
  assert.ok(input !== undefined)
  const outOfOrder = input.watermark === 'explicit' ? undefined : input.watermark.outOfOrderMs
  const source = feed<Row>({ time: 'at', partitions: input.partitions, outOfOrder })
  const result = streamOf(c.operator, source)
  const rows: Record<string, unknown>[] = []
  const late: number[] = []
  let step = 0
  const emit = c.operator.kind === 'window' ? c.operator.emit : c.operator.second.emit
  let retracted: Record<string, unknown>[] = []
  const changes = result.changes()
  const reading = changes.forEach(({ weight, row }) => {
    const columns = row as Record<string, unknown>
    if (weight === -1) {
      retracted.push(columns)
      return
    }
    // Rows of other bounds that went with this one: the sessions that are part of it now.
    const gone = retracted.filter(old => text(boundsOf(old)) !== text(boundsOf(columns)))
    retracted = []
    if (emit === 'changes') {
      rows.push(...gone.map(old => ({ step, ...boundsOf(old), op: 'remove' })), { step, ...columns, op: 'upsert' })
    } else if (gone.length === 0) rows.push({ step, ...columns })
    else rows.push({ step, ...columns, replaces: gone.map(old => [old['windowStart'], old['windowEnd']]) })
  })
  const readingLate = result.late().forEach(refused => {
    late.push((refused.row as Row).position)
  })
  for (const [position, entry] of c.input.entries()) {
    step = position
    await tell(source, entry, position)
  }
  step = c.input.length
  // A stopped stream sends nothing, whatever its source goes on to do.
  if (c.end === 'stop') await changes.stop()
  await source.end()
  await Promise.all([reading, readingLate])
  assert.deepEqual(shown(rows, c.compare, emit), shown(c.expected.rows, c.compare, emit))
  assert.deepEqual(
    late.sort((a, b) => a - b),
    [...c.expected.late].sort((a, b) => a - b),
  )
}

async function tell(source: Feed<Row>, entry: Entry, position: number): Promise<void> {
  if (entry.watermark !== undefined) return source.watermark(entry.watermark, entry.partition)
  if (entry.idle === true) return source.idle(entry.partition ?? 0)
  const { key, eventTimeMs, value } = entry
  assert.ok(eventTimeMs !== undefined && value !== undefined)
  await source.push({ key, at: eventTimeMs, value, position }, { partition: entry.partition })
}

function streamOf(operator: Case['operator'], source: Stream<Row>): Stream<unknown> {
  if (operator.kind === 'window') return windowed(operator, source)
  const column = operator.value
  const first = windowed(operator.first, source) as Stream<Record<string, unknown>>
  const between = first.map(row => ({ key: row['key'], value: row[column] as number, at: 0, position: -1 }))
  return windowed(operator.second, between)
}

function windowed(operator: WindowCase, source: Stream<Row>): Stream<unknown> {
  const { window: w, latenessMs, emit } = operator
  const n = (field: string) => w[field] as number
  const offset = { offset: (w['offsetMs'] as number | undefined) ?? 0 }
  const window = () =>
    w.kind === 'tumbling'
      ? tumbling(n('sizeMs'), offset)
      : w.kind === 'hopping'
        ? hopping(n('sizeMs'), n('slideMs'), offset)
        : w.kind === 'session'
          ? session(n('gapMs'))
          : cumulating(n('maxSizeMs'), n('stepMs'), offset)
  const options = { lateness: latenessMs, emit: typeof emit === 'object' ? emit.everyMs : emit }
  const made = {
    count: () => count(),
    sum: () => sum<Row>('value'),
    mean: () => mean<Row>('value'),
    min: () => min<Row>('value'),
    max: () => max<Row>('value'),
    countDistinct: () => countDistinct<Row>('value'),
    collect: () => collect<Row, 'value'>('value'),
  }
  const aggregates = Object.fromEntries(
    Object.entries(operator.aggregates).map(([name, [kind]]) => [name, made[kind as keyof typeof made]()]),
  )
  if (w.kind === 'counting') {
    const counted = counting(n('size'), w['slide'] as number | undefined)
    return operator.by.length === 0
      ? source.window(counted).aggregate(aggregates)
      : source.keyBy('key').window(counted).aggregate(aggregates)
  }
  if (operator.by.length === 0) return source.window(window(), options).aggregate(aggregates)
  return source.keyBy('key').window(window(), options).aggregate(aggregates)
}

/** Rows as a sorted list of texts, with what the comparison asks for. */
function shown(
  rows: readonly Readonly<Record<string, unknown>>[],
  compare: Case['compare'],
  emit: WindowCase['emit'],
): string[] {
  const plain = rows.map(row => {
    const rest: Record<string, unknown> = { ...row }
    // What was collected is a multiset.
    for (const [name, value] of Object.entries(rest)) {
      if (Array.isArray(value) && name !== 'replaces') rest[name] = value.toSorted((a, b) => Number(a) - Number(b))
    }
    // Rows of counting windows and of `changes` are compared without their firing.
    if (emit === 'changes' || rest['windowEnd'] === undefined) {
      delete rest['kind']
      delete rest['revision']
    }
    if (compare === 'net') delete rest['replaces']
    if (compare !== 'steps') delete rest['step']
    return rest
  })
  if (compare !== 'net') return plain.map(text).sort()
  const newest = new Map<string, Record<string, unknown>>()
  for (const row of plain) newest.set(text({ key: row['key'], from: row['windowStart'], to: row['windowEnd'] }), row)
  return [...newest.values()].map(text).sort()
}

function text(row: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))))
}

function boundsOf(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { windowStart, windowEnd } = row
  return 'key' in row ? { key: row['key'], windowStart, windowEnd } : { windowStart, windowEnd }
}
