/** Axes that are held: on the compiled specs of our forms and of users, drawn without a screen. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as vega from 'vega'
import { compile } from 'vega-lite'
import { HOLD_SIGNALS, letAxesBeHeld, moved, stretched, zoomed, zoomedAround } from '../../extension/src/zoom.ts'
import { pickedNames } from '../../extension/src/picked.ts'
import type { Compiled } from '../../extension/src/zoom.ts'

const base = { data: { name: 'rows' }, width: 100, height: 100 }
const line = {
  mark: { type: 'line', clip: true },
  encoding: { x: { field: 'at', type: 'temporal' }, y: { field: 'n', type: 'quantitative' } },
}
const points = { mark: { type: 'point', clip: true }, encoding: { x: { field: 'at', type: 'quantitative' }, y: { field: 'n', type: 'quantitative' } } } // prettier-ignore

const compiled = (spec: object): Compiled => compile({ ...base, ...spec } as never).spec as Compiled
const held = (spec: object): string[] => [...letAxesBeHeld(compiled(spec))]

test('time alone is held beside values, both axes of two numbers, none where dragging means something else', () => {
  assert.deepEqual(held(line), ['x'])
  assert.deepEqual(held(points), ['x', 'y'])
  assert.deepEqual(held({ layer: [line, line] }), ['x'])
  assert.deepEqual(held({ ...line, params: [{ name: 'brush', select: 'interval' }] }), [])
  assert.deepEqual(held({ ...line, params: [{ name: 'own', select: 'interval', bind: 'scales' }] }), [])
  assert.deepEqual(held({ ...line, mark: 'line' }), [], 'its marks would leave the plot')
  assert.deepEqual(held({ ...line, encoding: { ...line.encoding, x: { field: 'k', type: 'nominal' } } }), ['y'])
})

test('a held axis stays where it is while rows come, and follows them again when it is let go', async () => {
  const spec = compiled(points)
  letAxesBeHeld(spec)
  const view = new vega.View(vega.parse(spec as never), { renderer: 'none' })
  const domain = async (): Promise<number[]> => {
    await view.runAsync()
    return (view.scale('x') as { domain(): number[] }).domain()
  }
  view.insert('rows', [
    { at: 0, n: 1 },
    { at: 100, n: 2 },
  ])
  assert.deepEqual(await domain(), [0, 100])
  view.signal(HOLD_SIGNALS.x, [20, 40])
  assert.deepEqual(await domain(), [20, 40])
  view.insert('rows', [{ at: 200, n: 3 }])
  assert.deepEqual(await domain(), [20, 40])
  view.signal(HOLD_SIGNALS.x, null)
  assert.deepEqual(await domain(), [0, 200])
})

test('closer is around the middle, and a step aside keeps the width', () => {
  assert.deepEqual(zoomed([100, 200], 0.5), [125, 175])
  assert.deepEqual(zoomed([125, 175], 2), [100, 200])
  assert.deepEqual(moved([100, 200], -0.2), [80, 180])
})

test('what is below two fingers stays below them, and what is below the pointer there', () => {
  // 120 and 160 lay at 20 and 60 of 100 px; the fingers are at 0 and 80 now.
  assert.deepEqual(stretched([120, 160], [0, 80], 100), [120, 170])
  assert.deepEqual(stretched([160, 120], [80, 0], 100), [120, 170])
  assert.deepEqual(zoomedAround([100, 200], 125, 0.5), [112.5, 162.5])
})

test('what is picked lies in the signals and stores of the params with a selection or an input', () => {
  const params = [
    { name: 'xMin', value: 0 },
    { name: 'brush', select: 'interval' },
    { name: 'cut', value: 3, bind: { input: 'range' } },
  ]
  const { signals, data } = pickedNames({ params }, compiled({ ...line, params }))
  assert.deepEqual(data, ['brush_store'])
  for (const name of ['cut', 'brush_x', 'brush_at']) assert.ok(signals.includes(name), name)
  for (const name of ['xMin', 'unit', 'width']) assert.ok(!signals.includes(name), name)
})
