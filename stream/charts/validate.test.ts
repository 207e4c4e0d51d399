import assert from 'node:assert/strict'
import { test } from 'node:test'
import { validateSpec } from './validate.ts'
import { chartSpec } from './spec.ts'
import { retentionFor } from './retain.ts'
import type { ChartConcept } from './concept.ts'

const cases: readonly [name: string, spec: object, removed: readonly string[]][] = [
  ['data by URL', { data: { url: 'http://x/y.csv', name: 'rows' } }, ['data.url']],
  ['links', { encoding: { href: { field: 'u' }, x: { field: 'a' } } }, ['encoding.href']],
  [
    'image marks',
    { layer: [{ mark: 'image' }, { mark: { type: 'image' } }, { mark: 'bar' }] },
    ['layer[0].mark', 'layer[1].mark'],
  ],
  ['image channels', { encoding: { url: { field: 'u' } } }, ['encoding.url']],
  ['options of the renderer', { usermeta: { embedOptions: {} } }, ['usermeta']],
  ['defaults for images', { config: { image: { url: 'x' }, bar: {} } }, ['config.image']],
  [
    'inputs drawn into the page',
    { params: [{ name: 'p', bind: { element: '#x', input: 'range' } }] },
    ['params[0].bind.element'],
  ],
  [
    'events of the window',
    { params: [{ name: 'p', select: { type: 'interval', on: '[window:mousedown, mouseup]' } }] },
    ['params[0].select.on'],
  ],
  ['a prototype', JSON.parse('{"__proto__":{"x":1},"mark":"bar"}') as object, ['__proto__']],
]

for (const [name, spec, removed] of cases) {
  test(`taken out of a spec: ${name}`, () => {
    const result = validateSpec(spec)
    assert.deepEqual(result.removed, removed)
    assert.deepEqual(validateSpec(result.spec).removed, [])
  })
}

test('what the templates use passes untouched', () => {
  const concept: ChartConcept = { form: 'window', by: ['a'], aggregates: ['n'], stepMs: 1000, revisions: false }
  const spec = chartSpec({
    concept,
    columns: [{ name: 'n', kind: 'number' }],
    options: {},
    retention: retentionFor(concept, {}),
    series: [],
    title: 't',
  })
  const { spec: clean, removed } = validateSpec(spec)
  assert.deepEqual(removed, [])
  assert.deepEqual(clean, JSON.parse(JSON.stringify(spec)))
})

test('a selection with its own events and a brush mark stay', () => {
  const spec = {
    params: [{ name: 'b', select: { type: 'interval', on: 'pointerdown', mark: { fill: 'red' } } }],
    mark: 'point',
  }
  assert.deepEqual(validateSpec(spec), { spec, removed: [] })
})

test('a spec that is no object, too deep or too large is refused', () => {
  let deep: object = {}
  for (let i = 0; i < 70; i++) deep = { deep }
  assert.throws(() => validateSpec('bar'), /not an object/)
  assert.throws(() => validateSpec([]), /not an object/)
  assert.throws(() => validateSpec(deep), /deeper than 64/)
  assert.throws(() => validateSpec({ text: 'x'.repeat(1_000_001) }), /1000000 are allowed/)
})
