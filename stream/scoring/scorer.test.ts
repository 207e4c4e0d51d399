import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Scorer } from './scorer.ts'
import { Tail, surprise } from './tail.ts'

/** Range learns 0 to 10 in the warm-up of 10 rows. */
function trained(options: Partial<ConstructorParameters<typeof Scorer>[0]> = {}): Scorer {
  const scorer = new Scorer({ detector: 'range', features: ['x'], warmUp: 10, episode: 3, ...options })
  for (const x of [0, 10, 5, 5, 5, 5, 5, 5, 5, 5]) assert.equal(scorer.next([x]).value, 0)
  return scorer
}

test('range scores how far a value lies outside, in ranges, and learns it', () => {
  const scorer = trained({ episode: 0 })
  // A state is smoothed: a tenth of the new score.
  assert.equal(scorer.next([15]).value, 0.05)
  const alerts = trained()
  assert.equal(alerts.next([15]).value, 0.5)
  assert.equal(alerts.next([30]).value, 1)
})

test('an episode is told once, unless it gets worse', () => {
  const scorer = trained({ threshold: { value: 0.1 } })
  assert.deepEqual(
    // 20 is 1 range outside; 22 and -2 are a tenth and less outside 0 to 20; four rows later the same counts again.
    [20, 22, 5, -1, 5, 5, 5, 27].map(x => scorer.next([x]).value > 0),
    [true, false, false, false, false, false, false, true],
  )
})

test('a threshold compares the value, or how rare it is', () => {
  const byValue = trained({ threshold: { value: 0.5 } })
  assert.deepEqual(
    [14, 30].map(x => byValue.next([x]).anomalous),
    [false, true],
  )
  assert.equal(byValue.next([31]).threshold, 0.5)
  const rare = trained({ threshold: { oneIn: 1e13 } })
  assert.equal(rare.next([1000]).anomalous, false)
  const common = trained({ threshold: { oneIn: 2 } })
  assert.equal(common.next([1000]).anomalous, true)
})

test('a threshold given with a row is the one compared', () => {
  const scorer = trained({ threshold: { value: 0.1 } })
  const score = scorer.next([15], { value: 3 })
  assert.equal(score.anomalous, false)
  assert.equal(score.threshold, 3)
})

test('causes name the features by their share', () => {
  const scorer = new Scorer({ detector: 'ensemble', features: ['a', 'b'], warmUp: 40, threshold: { value: 2 } })
  for (let i = 0; i < 40; i++) scorer.next([i % 5, (i * 7) % 11])
  let last = scorer.next([2, 5])
  for (let i = 0; i < 30; i++) last = scorer.next([2, 60])
  assert.equal(last.anomalous, true)
  assert.equal(last.causes[0]?.feature, 'b')
  assert.ok((last.causes[0]?.share ?? 0) > 0.9)
  assert.equal(last.model, 'ensemble')
})

test('the state of a machine stays anomalous as long as it lasts', () => {
  const scorer = new Scorer({ detector: 'auto', features: ['a', 'b'], warmUp: 100 })
  const row = (i: number, by: number) => [(i * 37) % 17, ((i * 53) % 29) + by]
  let i = 0
  for (; i < 300; i++) assert.equal(scorer.next(row(i, 0)).anomalous, false)
  const during = Array.from({ length: 40 }, () => scorer.next(row(i++, 60)).anomalous)
  assert.ok(during.slice(15).every(Boolean))
  const after = Array.from({ length: 80 }, () => scorer.next(row(i++, 0)).anomalous)
  assert.ok(after.slice(60).every(anomalous => !anomalous))
})

test('wrong options are refused', () => {
  assert.throws(() => new Scorer({ detector: 'rage', features: ['x'] }), /detector "rage": it is not one of range,/)
  assert.throws(() => new Scorer({ detector: 'range', features: ['x'], warmUp: 1 }), /warm-up 1: a whole number/)
  assert.throws(() => new Scorer({ detector: 'range', features: ['x'], episode: 1.5 }), /episode 1.5/)
  assert.throws(() => new Scorer({ detector: 'seasonal', features: ['x'], period: 1 }), /period 1:/)
  assert.throws(() => new Scorer({ detector: 'rrcf', features: ['x'], seed: 0.5 }), /seed 0.5:/)
})

test('1 in N is the share of scores as large, and goes on beyond them', () => {
  const tail = new Tail()
  assert.equal(tail.oneIn(3), 1)
  for (let i = 1; i <= 1000; i++) tail.learn(i)
  assert.equal(tail.oneIn(1), 1)
  assert.ok(Math.abs(tail.oneIn(501) - 2) < 0.01)
  assert.ok(Math.abs(tail.oneIn(901) - 10) < 0.15)
  assert.ok(tail.oneIn(1200) > tail.oneIn(1100) && tail.oneIn(1100) > tail.oneIn(1000))
  // No more than the square of what was seen.
  assert.equal(tail.oneIn(1e9), 1001 ** 2)
})

test('of exponential scores, one in a thousand reads 1 in 1,000', () => {
  const tail = new Tail()
  for (let i = 0; i < 2000; i++) tail.learn(-Math.log(1 - (i + 0.5) / 2000))
  for (const n of [10, 100, 1000, 10_000]) {
    const told = tail.oneIn(Math.log(n))
    assert.ok(told > n / 1.3 && told < n * 1.3, `1 in ${n} reads ${told}`)
  }
})

test('surprise is -log10 of the two-sided tail', () => {
  assert.equal(surprise(-1), 0)
  // Literals from tables of the normal law: 2 (1 - Phi(1.96)) = 0.05, 2 (1 - Phi(3.2905)) = 0.001.
  assert.ok(Math.abs(surprise(1.959964) - 1.30103) < 1e-4)
  assert.ok(Math.abs(surprise(3.290527) - 3) < 1e-3)
  assert.ok(Math.abs(surprise(6.00001) - surprise(5.99999)) < 0.02)
  assert.ok(Math.abs(surprise(40) - 349.1) < 0.5)
})
