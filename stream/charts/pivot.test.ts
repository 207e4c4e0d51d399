import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pivotRows, type PivotWay } from './pivot.ts'
import type { ChartColumn, ChartRow } from './protocol.ts'

const COLUMNS: readonly ChartColumn[] = [
  { name: 'windowEnd', kind: 'instant' },
  { name: 'region', kind: 'text' },
  { name: 'n', kind: 'number' },
]
const row = (second: number, region: string | null, n: number, open = false): ChartRow => ({
  $key: `${second} ${region}`,
  windowEnd: second * 1000,
  region,
  n,
  ...(open ? { $open: true } : {}),
})
const ROWS = [
  row(10, 'south', 4),
  row(10, 'north', 1),
  row(20, 'north', 2),
  row(20, 'north', 5),
  row(30, 'south', 7, true),
]
const table = (way: PivotWay, rows = ROWS): unknown =>
  pivotRows(rows, COLUMNS, { down: 'windowEnd', across: 'region', value: 'n', way }, 50).rows.map(line => [
    line.down.slice(-2),
    ...line.cells,
  ])

test('rows become a cross table: newest down first, values across in order, what does not occur empty', () => {
  const { across } = pivotRows(ROWS, COLUMNS, { down: 'windowEnd', across: 'region', value: 'n', way: 'sum' }, 50)
  assert.deepEqual(across, ['north', 'south'])
  assert.deepEqual(table('sum'), [
    ['30', '', '7'],
    ['20', '7', ''],
    ['10', '1', '4'],
  ])
  assert.deepEqual(table('mean'), [
    ['30', '', '7'],
    ['20', '3.5', ''],
    ['10', '1', '4'],
  ])
  assert.deepEqual(table('count'), [
    ['30', '', '1'],
    ['20', '2', ''],
    ['10', '1', '1'],
  ])
  assert.deepEqual(table('last'), [
    ['30', '', '7'],
    ['20', '5', ''],
    ['10', '1', '4'],
  ])
})

test('an open window marks its line, nothing is left out without a count', () => {
  const wish = { down: 'windowEnd', across: 'region', value: 'n', way: 'sum' } as const
  assert.deepEqual(
    pivotRows(ROWS, COLUMNS, wish, 50).rows.map(line => line.open),
    [true, false, false],
  )
  assert.equal(pivotRows(ROWS, COLUMNS, wish, 2).leftOut, 1)
  const many = Array.from({ length: 25 }, (_, i) => row(10, `r${i}`, i))
  const wide = pivotRows(many, COLUMNS, wish, 50)
  assert.deepEqual([wide.across.length, wide.leftOut], [20, 5])
})
