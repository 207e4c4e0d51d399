/** The rows of a join are followed while somebody looks, and not for longer. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Run } from '../../kernel/engine/run.ts'
import type { FromCompute, ToCompute } from '../../kernel/engine/compute-protocol.ts'
import { feed } from '../../stream/index.ts'
import type { PlanNode } from '../../stream/plan.ts'

function runOf(plan: PlanNode): { run: Run; sent: string[] } {
  const sent: string[] = []
  const tell = (message: ToCompute): void => {
    if (message.type === 'look') sent.push(`look ${message.on}`)
    if (message.type === 'start') sent.push(`start ${message.spec.looking}`)
  }
  return { run: new Run(1, { name: 'paid', plan, deliver: 'nothing', params: {} }, tell), sent }
}

const rows = () => feed<{ k: string; at: number }>({ time: 'at' })
const joined = () => rows().join(rows(), { on: 'k', within: '5s' }).plan
const stats = { type: 'stats', run: 1, stats: { join: undefined }, errors: [], columns: [] } as unknown as FromCompute

test('a look lasts for a minute, and the next one begins it again', () => {
  const { run, sent } = runOf(joined())
  run.look(1000)
  run.beginAgain()
  run.receive(stats, 61_000)
  assert.deepEqual(sent, ['look true', 'start true'])
  run.look(50_000)
  run.receive(stats, 110_000)
  assert.deepEqual(sent.slice(2), [])
  run.receive(stats, 110_001)
  run.receive(stats, 120_000)
  assert.deepEqual(sent.slice(2), ['look false'])
  run.beginAgain()
  run.look(130_000)
  assert.deepEqual(sent.slice(3), ['start false', 'look true'])
})

test('there is nothing to look at in a stream that no join gives', () => {
  const { run, sent } = runOf(rows().filter(row => row.k !== '').plan)
  run.look(1000)
  run.beginAgain()
  assert.deepEqual(sent, ['start false'])
})
