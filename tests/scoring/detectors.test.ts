/** Laws every detector keeps: online, repeatable, restorable, calm on flat input, and able to see what a person sees. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { detectorNames, makeDetector } from '../../stream/scoring/detectors/index.ts'
import { Scorer } from '../../stream/scoring/scorer.ts'
import { seeded } from './corpus.ts'

const warmUp = 120

/** A noisy cycle; from `shiftAt` on it lies far higher. */
function cycle(rows: number, seed: number, shiftAt = -1): number[] {
  const random = seeded(seed)
  return Array.from({ length: rows }, (_, i) =>
    i === shiftAt ? 60 : 10 + 5 * Math.sin((2 * Math.PI * i) / 24) + random(),
  )
}

function scorer(detector: string, features = ['x']): Scorer {
  return new Scorer({ detector, features, warmUp, seed: 3 })
}

for (const detector of detectorNames) {
  describe(detector, () => {
    test('a score never depends on later rows', () => {
      const calm = cycle(260, 1)
      const wild = [...calm.slice(0, 200), ...cycle(60, 2).map(v => -40 * v)]
      const [a, b] = [scorer(detector), scorer(detector)]
      const scores = calm.map(v => a.next([v]))
      const others = wild.map(v => b.next([v]))
      assert.deepEqual(scores.slice(0, 200), others.slice(0, 200))
      assert.notDeepEqual(scores.slice(200), others.slice(200))
    })

    test('scoring learns nothing', () => {
      const made = () => makeDetector(detector, { features: 1, warmUp, seed: 3 })
      const [asked, quiet] = [made(), made()]
      for (const [i, v] of cycle(220, 4).entries()) {
        if (i > 150) for (const odd of [1e3, -7, v]) asked.scoreOne([odd])
        assert.equal(asked.scoreOne([v]), quiet.scoreOne([v]))
        asked.learnOne([v])
        quiet.learnOne([v])
      }
    })

    for (const features of [1, 3]) {
      test(`its state goes through JSON at any row, ${features} feature(s)`, () => {
        const values = cycle(240 * features, 5)
        const rows = Array.from({ length: 240 }, (_, i) => values.slice(i * features, (i + 1) * features))
        const names = ['x', 'y', 'z'].slice(0, features)
        const whole = scorer(detector, names)
        const expected = rows.map(row => whole.next(row))
        for (const cut of [3, 119, 120, 201]) {
          const first = scorer(detector, names)
          for (const row of rows.slice(0, cut)) first.next(row)
          const text = JSON.stringify(first)
          const second = scorer(detector, names).fromJSON(JSON.parse(text) as unknown)
          assert.deepEqual(
            rows.slice(cut).map(row => second.next(row)),
            expected.slice(cut),
          )
        }
      })
    }

    test('a series that never moves is usual', () => {
      const made = scorer(detector)
      for (let i = 0; i < 300; i++) {
        const { value, anomalous } = made.next([7])
        assert.ok(Number.isFinite(value))
        assert.equal(anomalous, false)
      }
    })

    test('the warm-up is silent, a shift scores higher than all before', () => {
      const made = scorer(detector)
      const scores = cycle(400, 6, 350).map(v => made.next([v]))
      assert.ok(scores.slice(0, warmUp).every(s => s.value === 0 && s.oneIn === 1 && !s.anomalous))
      // Detectors of histograms and shapes need some rows to see it.
      const seen = Math.max(...scores.slice(350, 400).map(s => s.value))
      assert.ok(seen > Math.max(...scores.slice(300, 350).map(s => s.value)), `${seen} at the shift`)
    })
  })
}
