/** A pattern that holds ever more on one key (rules.md 19): that key is closed and told, memory stays flat, other keys go on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import '../../stream/index.ts'
import { matchOptions } from '../../stream/patterns/fluent.ts'
import { buildPipeline } from '../../stream/pipeline.ts'
import type { PlanNode } from '../../stream/plan.ts'
import { feedNode } from './pipeline-runs.ts'

const EVENTS = process.env['LONG'] === undefined ? 60_000 : 1_000_000
const BATCH = 1000

interface Row {
  readonly t: number
  readonly key: string
  readonly v: string
}

test('`a+ ->> b` on a hot key is closed at the cap, and a match of another key comes out behind it', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const definitions = { a: (e: Row) => e.v === 'a', b: (e: Row) => e.v === 'b' }
  const options = matchOptions([{ name: 'key' }], 'a+ ->> b', definitions, { skip: 'none' })
  const plan: PlanNode = { op: 'match', input: feedNode(1, undefined), options: { ...options, output: 'matches' } }
  const matches: string[] = []
  const pipeline = buildPipeline(plan, {
    revive: slot => slot as (...args: never[]) => unknown,
    decode: () => ({ rows: [], keys: [], failures: [] }),
    onOutput: batch => matches.push(...batch.rows.map(row => shown(row as Record<string, Row[]>))),
    watched: true,
  })
  const push = (rows: readonly Row[]): void => pipeline.push(0, { kind: 'rows', rows })
  const used = (): { heap: number; state: number } => {
    collect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return { heap: heapUsed + arrayBuffers, state: pipeline.stats().stateBytes }
  }
  let early = { heap: 0, state: 0 }
  push([{ t: 0, key: 'cold', v: 'a' }])
  for (let t = 1; t <= EVENTS; t += BATCH) {
    push(Array.from({ length: BATCH }, (_, i) => ({ t: t + i, key: 'hot', v: 'a' })))
    pipeline.push(0, { kind: 'watermark', watermarkMs: t + BATCH - 1 })
    if (t > EVENTS / 5 && early.heap === 0) early = used()
  }
  const late = used()
  assert.ok(late.heap - early.heap < 8_000_000, `${early.heap} bytes became ${late.heap}`)
  assert.ok(late.state <= early.state, `a state of ${early.state} bytes became ${late.state}`)

  push([
    { t: EVENTS + 1, key: 'cold', v: 'b' },
    { t: EVENTS + 2, key: 'hot', v: 'b' },
  ])
  pipeline.push(0, { kind: 'end' })
  assert.equal(pipeline.state, 'ended', pipeline.error?.detail)
  assert.deepEqual(matches, [`0|${EVENTS + 1}`])
  const [first] = pipeline.errors
  assert.match(
    first?.reason ?? '',
    /^pattern "a\+ ->> b" held \d+ partial matches with \d+ events of key "hot", at most /,
  )
  // Events of the key from the one that was too much on.
  assert.ok(pipeline.stats().errorCount >= EVENTS - 10_001)
})

function shown(row: Readonly<Record<string, readonly Row[]>>): string {
  return [row['a'], row['b']].map(rows => (rows ?? []).map(({ t }) => t).join(' ')).join('|')
}
