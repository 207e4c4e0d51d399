/** What our private Vega does without: copies of rows that went, widths of words that nobody will see again. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as vega from 'vega'
import { Relay } from '../../extension/src/relay.ts'
import { keptWidths } from '../../extension/src/text-widths.ts'

interface Row {
  readonly n: number
}
interface Operator {
  readonly value: unknown
}
interface Flow {
  add(transform: unknown, parameters?: object): Operator
  pulse(operator: Operator, changes: unknown): Flow
  run(): Flow
}
const { Dataflow, transforms, changeset, truthy } = vega as unknown as {
  readonly Dataflow: new () => Flow
  readonly transforms: Readonly<Record<string, unknown>>
  changeset(): { insert(rows: object[]): { remove(rows: unknown): unknown; modify(...of: unknown[]): unknown } }
  readonly truthy: unknown
}

function flowWith(relay: unknown): { flow: Flow; source: Operator; relayed: Operator; rows(): readonly Row[] } {
  const flow = new Dataflow()
  const source = flow.add(transforms['collect'])
  const relayed = flow.add(relay, { derive: true, pulse: source })
  const end = flow.add(transforms['collect'], { pulse: relayed })
  return { flow, source, relayed, rows: () => end.value as readonly Row[] }
}

test('rows that come, change and go leave Vega as many copies as its own relay gives, and none behind', () => {
  const ours = flowWith(Relay)
  const theirs = flowWith(transforms['relay'])
  for (const { flow, source } of [ours, theirs]) {
    let held: { n: number }[] = []
    for (let n = 0; n < 50; n++) {
      const row = { n }
      flow
        .pulse(
          source,
          (changeset().insert([row]) as unknown as { remove(rows: object[]): unknown }).remove(
            held.slice(0, n >= 10 ? 1 : 0),
          ),
        )
        .run()
      held = [...held.slice(n >= 10 ? 1 : 0), row]
    }
    flow
      .pulse(
        source,
        changeset()
          .insert([])
          .modify(truthy, 'n', (row: Row) => row.n * 2),
      )
      .run()
  }
  const numbers = ({ rows }: { rows(): readonly Row[] }): number[] => rows().map(({ n }) => n)
  assert.deepEqual(numbers(ours), [80, 82, 84, 86, 88, 90, 92, 94, 96, 98])
  assert.deepEqual(numbers(ours), numbers(theirs))
  assert.equal((ours.relayed.value as ReadonlyMap<number, object>).size, 10)
  assert.equal(Object.keys(theirs.relayed.value as object).length, 50, 'what ours is for')
})

test('a text is measured once while it is among the newest few hundred, by its font, and is no wider than its limit', () => {
  const measured: string[] = []
  const width = keptWidths((text, font) => {
    measured.push(`${font} ${text}`)
    return 7 * text.length
  })
  const small = { fontSize: 10 }
  assert.deepEqual([width(small, 'ab'), width(small, ' ab '), width({ fontSize: 12 }, 'ab')], [14, 14, 14])
  assert.deepEqual(measured, ['10px sans-serif ab', '12px sans-serif ab'])
  assert.deepEqual([width({ ...small, limit: 20 }, 'abcd'), width({ ...small, limit: 0 }, 'abcd')], [20, 28])
  assert.deepEqual(
    [width(small, null), width(small, '  '), width({ fontSize: 0 }, 'ab'), width(small, 12)],
    [0, 0, 0, 14],
  )
  measured.length = 0
  // A clock that never shows the same time twice.
  for (let time = 0; time < 5000; time++) width(small, `at ${time}`)
  assert.equal(measured.length, 5000)
  width(small, 'at 4999')
  assert.equal(measured.length, 5000)
  width(small, 'at 0')
  assert.equal(measured.length, 5001, 'the oldest are forgotten')
})
