import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ScoringModel } from '../models/open-models.ts'
import { VirtualClock } from '../time/clock.ts'
import type { StageContext } from './operator.ts'
import { ScoreModelOperator } from './score-model.ts'

/** A model that takes a millisecond a row, and tells how many it was asked at a time. */
function slowModel(clock: VirtualClock, calls: number[]): ScoringModel {
  const out = new Float32Array(4096)
  const artifact = { name: 'slow', version: 1 } as ScoringModel['artifact']
  const predictor = {
    engine: 'slow',
    inputs: 1,
    steps: 1,
    outputs: 1,
    notices: [],
    predict(rows: Float32Array, count: number) {
      calls.push(count)
      clock.advance(count)
      out.set(rows.subarray(0, count))
      return out
    },
    close() {},
  }
  return { artifact, predictor }
}

test('rows wait no longer than --max-wait for the others of their call; how they are cut changes no score', () => {
  const scored = (maxWaitMs: number) => {
    const [clock, calls] = [new VirtualClock(), [] as number[]]
    const model = slowModel(clock, calls)
    const options = {
      by: [],
      detector: 'slow',
      model: { name: 'slow', engine: 'auto', maxWaitMs },
      features: ['v'],
    } as const
    const context = { passed() {}, refuse: () => assert.fail('a row was refused') } as unknown as StageContext
    const host = { revive: () => assert.fail('there is no lambda'), model: () => model }
    const operator = new ScoreModelOperator(options, [], host, context, clock)
    const rows = Array.from({ length: 1000 }, (_, v) => ({ v }))
    const times = new Float64Array(1000)
    const made = operator.onBatch({ count: 1000, rows, eventTimesMs: times, beforeMs: times, watermarkMs: 0 })
    return { calls, values: made.rows.map(row => (row as { score: { value: number } }).score.value) }
  }
  const [patient, quick] = [scored(10_000), scored(50)]
  assert.deepEqual(patient.calls, [256, 512, 232])
  assert.deepEqual(quick.calls.slice(0, 4), [256, 128, 64, 32])
  assert.ok(quick.calls.slice(3).every(count => count <= 50))
  assert.deepEqual(quick.values, patient.values)
})
