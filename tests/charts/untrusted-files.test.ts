/** A notebook file may have been written by anybody: what of it reaches a chart, and what the extension never does with it. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { packageRoot } from '../../kernel/setup/places.ts'
import { readBundle, readParam } from '../../extension/src/read-bundle.ts'
import { SAMPLE_STATS } from '../../stream/charts/sample-stats.ts'

const STATUS = { ...SAMPLE_STATS, errors: [], errorCount: 0, notice: null, rowCount: 1 }
const GOOD = {
  protocol: 1,
  instance: 'i',
  chartId: 's#1',
  stream: 's',
  title: 's',
  spec: { mark: 'line' },
  columns: [{ name: 'n', kind: 'number' }],
  retention: { rows: 100 },
  fps: 10,
  last: { sequence: 1, savedAt: null, rows: [{ $key: 'a', n: 1 }], status: STATUS },
}

test('a bundle as the kernel writes it is read', () => {
  assert.equal(readBundle(GOOD)?.chartId, 's#1')
})

test('rows that a file keeps as text are read as rows, and cleaned as they are', () => {
  const rows =
    '{"count":2,"columns":[{"name":"n","steps":[5,-2]},{"name":"t","values":["a\\u202e",null],"absent":[1]}]}'
  assert.deepEqual(readBundle({ ...GOOD, last: { ...GOOD.last, rows } })?.last.rows, [
    { $key: 'saved 0', n: 5, t: 'a\ufffd' },
    { $key: 'saved 1', n: 3 },
  ])
})

test('text of rows and title is as clean as live text: no control or direction marks, nothing nested', () => {
  const rows = [{ $key: 'a', text: 'a\u202eb\u0007', deep: { x: ['\u2066'] }, n: 1, none: null }]
  const read = readBundle({ ...GOOD, title: 's\u202e', last: { ...GOOD.last, rows } })
  assert.equal(read?.title, 's\ufffd')
  assert.deepEqual(read?.last.rows, [{ $key: 'a', text: 'a\ufffdb\ufffd', deep: '{"x":["\ufffd"]}', n: 1, none: null }])
})

test('changes of a file are read as rows are, and left out where they are none', () => {
  const entry = { number: 1, weight: -1, atMs: null, row: { text: 'a\u202e' } }
  const read = (changes: unknown) => readBundle({ ...GOOD, last: { ...GOOD.last, changes } })?.last.changes
  assert.deepEqual(read({ since: 0, upTo: 1, entries: [entry] })?.entries[0]?.row, { text: 'a\ufffd' })
  for (const part of [{ weight: 2 }, { row: 'x' }, { atMs: '<b>' }, { number: null }])
    assert.equal(read({ since: 0, upTo: 1, entries: [{ ...entry, ...part }] }), undefined)
  for (const changes of [
    { since: 0, upTo: 1 },
    { since: 0, entries: [] },
    { since: 0, upTo: 1, entries: Array.from({ length: 1001 }, () => entry) },
    'x',
  ])
    // prettier-ignore
    assert.equal(read(changes), undefined)
})

const broken: readonly (readonly [about: string, part: object])[] = [
  ['of another protocol', { protocol: 2 }],
  ['whose names are no text', { chartId: { toString: 'x' } }],
  ['whose spec is a list', { spec: [] }],
  ['with 501 columns', { columns: Array.from({ length: 501 }, () => ({ name: 'n', kind: 'number' })) }],
  ['with a column without a name', { columns: [{ kind: 'number' }] }],
  ['without a retention', { retention: { rows: '100' } }],
  ['that wants 1000 pictures a second', { fps: 1000 }],
  ['without a last frame', { last: null }],
  ['with a text that is no JSON', { last: { ...GOOD.last, rows: '{' } }],
  ['with a text of 5001 rows', { last: { ...GOOD.last, rows: '{"count":5001,"columns":[]}' } }],
  ['with a text whose column is too short', { last: { ...GOOD.last, rows: '{"count":2,"columns":[{"name":"n","values":[1]}]}' } }],
  ['with a text whose steps are no numbers', { last: { ...GOOD.last, rows: '{"count":1,"columns":[{"name":"n","steps":["<b>"]}]}' } }],
  ['with a text whose column is a key', { last: { ...GOOD.last, rows: '{"count":1,"columns":[{"name":"$key","values":[1]}]}' } }],
  ['with 5001 rows', { last: { ...GOOD.last, rows: Array.from({ length: 5001 }, () => ({ $key: 'a' })) } }],
  ['with a row that has no key', { last: { ...GOOD.last, rows: [{ n: 1 }] } }],
  ['with a row that is a list', { last: { ...GOOD.last, rows: [['a']] } }],
  ['with a number of waiting rows that is text', { last: { ...GOOD.last, status: { ...STATUS, waitingCount: '<b>' } } }],
  ['with counts of changes that are text', { last: { ...GOOD.last, status: { ...STATUS, changes: { insertedCount: 1, retractedCount: '<b>' } } } }],
  ['with counters that are text', { last: { ...GOOD.last, status: { ...STATUS, droppedCount: '<b>' } } }],
  ['with 101 late records', { last: { ...GOOD.last, status: { ...STATUS, time: { sources: [], late: Array.from({ length: 101 }, () => ({ eventTimeMs: 0, reason: '' })) } } } }],
] // prettier-ignore

for (const [about, part] of broken)
  test(`nothing is drawn from a bundle ${about}`, () => {
    assert.equal(readBundle({ ...GOOD, ...part }), null)
  })

test('nothing is drawn from what is no bundle at all', () => {
  for (const value of [null, undefined, 1, 'x', [], [GOOD], {}]) assert.equal(readBundle(value), null)
})

test('a slider takes a number, a text or a truth value, and at most a thousand choices', () => {
  const param = { protocol: 1, instance: 'i', name: 'least', value: 1 }
  assert.equal(readParam(param)?.name, 'least')
  for (const part of [{ value: {} }, { name: 1 }, { protocol: 2 }, { choices: Array.from({ length: 1001 }, () => 1) }])
    assert.equal(readParam({ ...param, ...part }), null)
})

const sources = readdirSync(join(packageRoot, 'extension/src'), { recursive: true })
  .map(String)
  .filter(name => name.endsWith('.ts'))
  .map(name => [name, readFileSync(join(packageRoot, 'extension/src', name), 'utf8')] as const)

test('the extension makes no HTML from text, puts nothing on the window, opens no connection of its own', () => {
  assert.ok(sources.length > 30)
  const forbidden =
    /\.(inner|outer)HTML|insertAdjacentHTML|document\.write|createContextualFragment|\bfetch\(|XMLHttpRequest|new WebSocket|(window|globalThis)(\.\w+|\[[^\]]+\]) = |Object\.assign\((window|globalThis)/
  assert.deepEqual(sources.filter(([, text]) => forbidden.test(text)).map(([name]) => name), []) // prettier-ignore
})

test('charts are drawn by a Vega of their own that is new enough, without vega-embed and its options in the spec', () => {
  const { dependencies, jupyterlab } = JSON.parse(
    readFileSync(join(packageRoot, 'extension/package.json'), 'utf8'),
  ) as {
    dependencies: Record<string, string>
    jupyterlab: { sharedPackages: Record<string, boolean> }
  }
  assert.deepEqual(Object.keys(dependencies).filter(name => name.startsWith('vega')).sort(), ['vega', 'vega-interpreter', 'vega-lite']) // prettier-ignore
  const [major = 0, minor = 0] = (dependencies['vega'] ?? '').split('.').map(Number)
  assert.ok(major > 6 || (major === 6 && minor >= 4), 'form bindings could set event handlers before 6.4')
  assert.deepEqual(jupyterlab.sharedPackages, { vega: false, 'vega-lite': false, 'vega-interpreter': false })
})
