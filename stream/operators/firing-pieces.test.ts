/** A firing of very many keys comes in pieces: other work has its turn between them, and the rows are those of one piece. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, fromColumns, sum, tumbling } from '../index.ts'
import type { Batch, SourceEvent } from '../model.ts'
import { buildPipeline } from '../pipeline.ts'
import type { Pipeline } from '../pipeline.ts'
import type { PlanNode, WindowSpec } from '../plan.ts'
import { IntTable } from '../state/int-table.ts'
import { sortedPieces } from '../state/sorted-pieces.ts'

/** Enough for a table in segments, and for many pieces of rows. */
const KEYS = 200_000

const keyOf = (i: number): number => Math.imul(i, 0x61c88647) | 0

function columnsOf(from: number, to: number) {
  return {
    at: Float64Array.from({ length: to - from }, (_, i) => (from + i) % 10),
    key: Int32Array.from({ length: to - from }, (_, i) => keyOf(from + i)),
    value: Int32Array.from({ length: to - from }, (_, i) => (from + i) % 1000),
  }
}

/** A window of all keys, and one above that counts and adds its rows. */
function planOf(window: WindowSpec, above: boolean, columns: boolean): PlanNode {
  const keyed: PlanNode = {
    op: 'window',
    input: {
      op: 'feed', id: 'pieces', partitions: 1, time: 'at', outOfOrderMs: 20, bounded: true,
      ...(columns ? { columns: { at: 'float', key: 'int', value: 'int' } } : {}),
    },
    options: {
      window,
      by: [{ name: 'key' }],
      aggregates: [{ name: 'n', aggregate: { kind: 'count' } }, { name: 'total', aggregate: { kind: 'sum', value: 'value' } }],
      latenessMs: 0,
      emit: 'final',
    },
  } // prettier-ignore
  if (!above) return keyed
  return {
    op: 'window',
    input: keyed,
    options: {
      window: { kind: 'tumbling', sizeMs: 10, offsetMs: 0 },
      by: [],
      aggregates: [{ name: 'keys', aggregate: { kind: 'count' } }, { name: 'all', aggregate: { kind: 'sum', value: 'total' } }],
      latenessMs: 0,
      emit: 'final',
    },
  } // prettier-ignore
}

const tumblingTen: WindowSpec = { kind: 'tumbling', sizeMs: 10, offsetMs: 0 }
const hoppingTen: WindowSpec = { kind: 'hopping', sizeMs: 10, slideMs: 5, offsetMs: 0 }

function pipelineOf(plan: PlanNode): { pipeline: Pipeline; rows: unknown[]; batches: Batch[] } {
  const rows: unknown[] = []
  const batches: Batch[] = []
  const pipeline = buildPipeline(plan, {
    revive: slot => slot as () => unknown,
    decode: () => ({ rows: [], keys: [], failures: [] }),
    onOutput: batch => {
      batches.push(batch)
      rows.push(...batch.rows)
    },
  })
  return { pipeline, rows, batches }
}

const filled: SourceEvent = { kind: 'rows', rows: [], columns: columnsOf(0, KEYS), count: KEYS }
const filledRows = (n: number): SourceEvent => {
  const { at, key, value } = columnsOf(0, n)
  return { kind: 'rows', rows: Array.from(at, (t, i) => ({ at: t, key: key[i], value: value[i] })) }
}

test('columns: a firing pauses, and the rows are sorted, complete and those of a firing at once', () => {
  const whole = pipelineOf(planOf(tumblingTen, false, true))
  whole.pipeline.push(0, filled)
  whole.pipeline.push(0, { kind: 'end' })
  assert.equal(whole.rows.length, KEYS)

  const other = pipelineOf(planOf(tumblingTen, false, true))
  const { pipeline, rows, batches } = pipelineOf(planOf(tumblingTen, false, true))
  for (let more = pipeline.begin(0, filled); more;) more = pipeline.goOn()
  assert.equal(rows.length, 0)
  let pauses = 0
  let mostAtOnce = 0
  let before = 0
  for (let more = pipeline.begin(0, { kind: 'end' }); more; more = pipeline.goOn()) {
    pauses++
    mostAtOnce = Math.max(mostAtOnce, rows.length - before)
    before = rows.length
    // Another stream on the same thread is not held up.
    other.pipeline.push(0, { kind: 'rows', rows: [{ at: pauses * 10, key: 1, value: 1 }] })
    pipeline.provisional(100)
  }
  assert.equal(pipeline.state, 'ended')
  assert.ok(pauses > 10, `${pauses} pauses`)
  assert.ok(mostAtOnce <= 16_384, `${mostAtOnce} rows at once`)
  assert.equal(other.pipeline.stats().recordCount, pauses)
  assert.deepEqual(rows, whole.rows)
  const keys = (rows as { key: number }[]).map(r => r.key)
  assert.ok(keys.every((key, i) => i === 0 || key > (keys[i - 1] as number)))
  // The watermark passes the window only with its last rows.
  assert.ok(batches.every(batch => batch.watermarkMs < 9))
})

test('columns: a window above takes the pieces as one firing', () => {
  for (const window of [tumblingTen, hoppingTen]) {
    const { pipeline, rows } = pipelineOf(planOf(window, true, true))
    for (let more = pipeline.begin(0, filled); more;) more = pipeline.goOn()
    let pauses = 0
    for (let more = pipeline.begin(0, { kind: 'end' }); more; more = pipeline.goOn()) pauses++
    assert.ok(pauses > 10, `${pauses} pauses`)
    // 0 + 1 + … + 999, two hundred times; two windows of a hop hold half of the records each and one all.
    const all = 200 * 499_500
    const got = (rows as { keys: number; all: number }[]).map(r => [r.keys, r.all])
    if (window === tumblingTen) assert.deepEqual(got, [[KEYS, all]])
    else assert.equal(got.reduce((total, [, one]) => total + (one as number), 0), 2 * all) // prettier-ignore
    assert.equal(pipeline.stats().droppedCount, 0)
  }
})

test('rows: a firing pauses, and a snapshot between two pieces holds all of it', () => {
  const n = 60_000
  const whole = pipelineOf(planOf(tumblingTen, false, false))
  whole.pipeline.push(0, filledRows(n))
  whole.pipeline.push(0, { kind: 'watermark', watermarkMs: 9 })
  assert.equal(whole.rows.length, n)

  const { pipeline, rows } = pipelineOf(planOf(tumblingTen, false, false))
  pipeline.push(0, filledRows(n))
  assert.equal(pipeline.begin(0, { kind: 'watermark', watermarkMs: 9 }), true)
  assert.equal(pipeline.goOn(), true)
  assert.ok(rows.length > 0 && rows.length < n)
  const snapshot = pipeline.snapshot()
  assert.equal(pipeline.goOn(), false)
  assert.deepEqual(rows, whole.rows)

  const restored = pipelineOf(planOf(tumblingTen, false, false))
  restored.pipeline.restore(snapshot)
  restored.pipeline.push(0, { kind: 'end' })
  assert.deepEqual(restored.rows, [])
})

test('many tables that grow at once grow in pieces', () => {
  const { pipeline } = pipelineOf(planOf(tumblingTen, false, true))
  let pauses = 0
  for (let from = 0; from < 400_000; from += 100_000) {
    const event: SourceEvent = { kind: 'rows', rows: [], columns: columnsOf(from, from + 100_000), count: 100_000 }
    for (let more = pipeline.begin(0, event); more; more = pipeline.goOn()) pauses++
  }
  // 256 tables grow in the last step, a few between two pauses.
  assert.ok(pauses >= 16, `${pauses} pauses`)
  pipeline.push(0, { kind: 'end' })
  assert.equal(pipeline.stats().rowCount, 400_000)
})

test('a program has its turn between the pieces, and takes them one by one', async () => {
  let turns = 0
  let over = false
  const turn = (): void => {
    turns++
    if (!over) setImmediate(turn)
  }
  const seen: number[] = []
  await fromColumns(columnsOf(0, KEYS), { time: 'at', outOfOrder: 20 })
    .keyBy('key')
    .window(tumbling(10))
    .aggregate({ n: count(), total: sum('value') })
    .forEachBatch(() => {
      if (turns === 0) turn()
      seen.push(turns)
    })
  over = true
  assert.ok(new Set(seen).size > 10, `rows came in ${new Set(seen).size} turns`)
})

test('neighbouring keys, the least and the greatest come out in order', () => {
  const table = new IntTable(1)
  const keys = [-(2 ** 31), 2 ** 31 - 1, ...Array.from({ length: 50_000 }, (_, i) => i - 25_000)]
  for (const key of keys) {
    if (table.segments === undefined && table.room <= 0) table.grow()
    const target = table.segments?.[Math.imul(key, 0x9e3779b1) >>> 24] ?? table
    let at = (Math.imul(key, 0x9e3779b1) >>> 7) & (target.capacity - 1)
    while (target.ints[at * 2 + 1] !== 0) at = (at + 1) & (target.capacity - 1)
    target.ints[at * 2] = key
    target.ints[at * 2 + 1] = 1
    target.used++
  }
  const out: number[] = []
  for (const entries of sortedPieces(table.tables, 1000)) {
    if (entries === undefined) continue
    assert.ok(entries.keys.length <= 1000)
    out.push(...entries.keys)
    entries.keys.forEach((key, i) => assert.equal(table.ints[(entries.entries[i] as number) * 2], key))
  }
  assert.deepEqual(
    out,
    [...keys].sort((a, b) => a - b),
  )
})
