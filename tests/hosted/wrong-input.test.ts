/** Wrong input: what happened is said, counted, and nothing else is lost. Inline and in a real engine process. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as riffle from '../../stream/index.ts'
import { inlineAndHosted } from './both.ts'
import { until } from './hosted.ts'

const { count, from, fromColumns, mean, session, sum, tumbling } = riffle
const { both, hosted, engine } = await inlineAndHosted()

type Row = Record<string, unknown>
const rows = (...values: Row[]) => from(values, { time: 'at', outOfOrder: 0 })
const reasons = async (stream: riffle.Stream<unknown>) =>
  (await stream.errors().toArray()).map(({ reason, offset }) => [Number(offset), reason])

test('an event time that is missing, text, NaN or of another kind: the record is in errors with its position, the rest goes on', async () => {
  const stream = () =>
    rows(
      { at: 1 }, {}, { at: 'yesterday' }, { at: '2026-01-01T00:00:00' }, { at: NaN }, { at: null }, { at: true }, { at: [3] },
      { at: new Date(NaN) }, { at: 4n }, { at: new Date(5) }, { at: '1970-01-01T00:00:00.006Z' },
    ).window(tumbling(10)).aggregate({ n: count() }) // prettier-ignore
  assert.deepEqual(await both(() => stream().toArray()), [
    { windowStart: 0, windowEnd: 10, n: 4, kind: 'onTime', revision: 0 },
  ])
  assert.deepEqual(await both(() => reasons(stream())), [
    [1, 'time field "at" is missing'],
    [2, 'time field "at" is "yesterday", no ISO instant'],
    [3, 'time field "at" is "2026-01-01T00:00:00", an instant without an offset'],
    [4, 'time field "at" is NaN'],
    [5, 'time field "at" is null'],
    [6, 'time field "at" is of type boolean'],
    [7, 'time field "at" is an array'],
    [8, 'time field "at" is an invalid Date'],
  ])
})

test('NaN and text in an aggregate are left out of it, told, and the row still counts', async () => {
  const stream = () =>
    rows({ at: 1, v: NaN }, { at: 2, v: 3 }, { at: 3, v: 'x' }, { at: 4, v: null }, { at: 5 })
      .window(tumbling(10))
      .aggregate({ n: count(), total: sum('v'), middle: mean('v') })
  assert.deepEqual(await both(() => stream().toArray()), [
    { windowStart: 0, windowEnd: 10, n: 5, total: 3, middle: 3, kind: 'onTime', revision: 0 },
  ])
  assert.deepEqual(await both(() => reasons(stream())), [
    [0, 'aggregate "total" got NaN, a number is needed; the value is left out'],
    [0, 'aggregate "middle" got NaN, a number is needed; the value is left out'],
    [2, 'aggregate "total" got text "x", a number is needed; the value is left out'],
    [2, 'aggregate "middle" got text "x", a number is needed; the value is left out'],
  ])
})

test('NaN in a column, in windows and in sessions', async () => {
  const columns = () =>
    fromColumns({ at: Float64Array.of(1, 2), k: Int32Array.of(7, 7), v: Float64Array.of(NaN, 2) }, { time: 'at' })
  for (const window of [tumbling(10), session(8)]) {
    const stream = () => columns().keyBy('k').window(window).aggregate({ n: count(), total: sum('v') }) // prettier-ignore
    const [row] = (await both(() => stream().toArray())) as Row[]
    assert.deepEqual([row?.['n'], row?.['total']], [2, 2])
    assert.deepEqual(await both(() => reasons(stream())), [
      [0, 'aggregate "total" got NaN, a number is needed; the value is left out'],
    ])
  }
})

test('an empty key is a group of its own, and -0 is 0, NaN is NaN', async () => {
  const result = await both(() =>
    rows({ at: 1, k: '' }, { at: 2, k: null }, { at: 3 }, { at: 4, k: NaN }, { at: 5, k: NaN }, { at: 6, k: -0 }, { at: 7, k: 0 })
      .keyBy('k')
      .window(tumbling(10))
      .aggregate({ n: count() })
      .toArray(),
  ) // prettier-ignore
  assert.deepEqual((result as Row[]).map(r => [r['k'], r['n']]), [[null, 2], [0, 2], [NaN, 2], ['', 1]]) // prettier-ignore
})

test('what may not be meant is told once, inline as a notice and in the cell that made the stream', async () => {
  const told: string[] = []
  const local = new riffle.LocalRuntime({ notice: text => told.push(text) })
  const stream = () =>
    rows({ at: 1_700_000_000, user: 'a' }, { at: 1_700_000_001, user: 'b' })
      .keyBy('usr' as never)
      .window(tumbling('10s'))
      .aggregate({ n: count(), total: sum('amount') })
  riffle.setRuntime(local)
  assert.equal((await stream().toArray()).length, 1)
  const wanted = [
    'The event time 1700000000 looks like seconds; event times are milliseconds since 1970',
    'The field "amount" of aggregate "total" is missing in a record; it is skipped (it has at, user)',
    'The key "usr" is missing in a record; records without one form a group of their own (it has at, user)',
  ]
  assert.deepEqual(told, wanted)
  riffle.setRuntime(hosted)
  await stream().bindName('misspelt', { cellId: 'wrong' })
  await until(() => {
    const lines = engine.notices.flatMap(n => (n.type === 'lambdaOutput' && n.cellId === 'wrong' ? n.text : []))
    return wanted.every(text => lines.join('').includes(text)) ? true : undefined
  })
})

test('a value that is no aggregate, a name used twice, a window that cannot be', async () => {
  const refused = async (f: () => unknown): Promise<string> => {
    try {
      await f()
    } catch (error) {
      assert.ok(error instanceof riffle.StreamError)
      return `${error.code}: ${error.message}`
    }
    return 'nothing'
  }
  const windowed = () => rows({ at: 1 }).window(tumbling(10))
  const asked: readonly (readonly [() => unknown, string])[] = [
    [() => windowed().aggregate({ n: 5 as never }), 'OPTION_INVALID: Cannot compute column "n": 5 is no aggregate'],
    [() => windowed().aggregate({ n: count as never }), 'OPTION_INVALID: Cannot compute column "n": a function is no aggregate'],
    [() => windowed().aggregate({ windowStart: count() } as never), 'OPTION_INVALID: Cannot make rows with two columns "windowStart"'],
    [() => rows({ at: 1 }).window(tumbling(10), { lateness: -1 }), 'OPTION_INVALID: Cannot use lateness "-1ms": it must not be negative'],
    [() => tumbling(0), 'DURATION_INVALID: Cannot use window size "0": it must be at least 1 ms'],
  ] // prettier-ignore
  for (const [f, wanted] of asked) assert.equal(await refused(f), wanted)
})
