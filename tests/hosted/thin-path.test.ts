import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PlanNode } from '../../stream/plan.ts'
import type { RowSource } from '../../stream/targets/runtime.ts'
import { engineOfFile } from './engine-of-file.ts'

const { runtime, notebook } = await engineOfFile()

async function rowsOf(source: RowSource): Promise<unknown[]> {
  const rows: unknown[] = []
  for (let chunk = await source.next(); chunk !== null; chunk = await source.next()) rows.push(...chunk.rows)
  return rows
}

test('rows produced to a topic come back filtered and windowed', async () => {
  await runtime.createTopic('embedded', 'thin', { partitions: 1 })
  const rows = [1000, 2000, 11_000, 12_000, 21_000].map((at, i) => ({
    at,
    region: i % 2 ? 'us' : 'eu',
    amount: i * 10,
  }))
  const { count } = await runtime.produce('embedded', 'thin', rows)
  assert.equal(count, 5)
  const limit = 5
  const plan: PlanNode = {
    op: 'window',
    input: {
      op: 'filter',
      input: { op: 'topic', connection: 'embedded', topic: 'thin', options: { from: 'earliest', time: 'at' } },
      f: runtime.ship(notebook.lambda((o: { amount: number }) => o.amount > limit, { limit })),
    },
    options: {
      window: { kind: 'tumbling', sizeMs: 10_000, offsetMs: 0 },
      by: [],
      aggregates: [{ name: 'total', aggregate: { kind: 'sum', value: 'amount' } }],
      latenessMs: 0,
      emit: 'final',
    },
  }
  const got = (await rowsOf(runtime.subscribe(plan, { bounded: true }))) as { windowStart: number; total: number }[]
  assert.deepEqual(
    got.map(({ windowStart, total }) => [windowStart, total]),
    [
      [0, 10],
      [10_000, 50],
      [20_000, 40],
    ],
  )
})
