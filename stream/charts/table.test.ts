import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tableCsv, tableRows } from './table.ts'
import type { ChartColumn, ChartRow } from './protocol.ts'

const COLUMNS: ChartColumn[] = [
  { name: 'region', kind: 'text' },
  { name: 'n', kind: 'number' },
]
const ROWS: ChartRow[] = [
  { $key: 'a', region: 'north', n: 2 },
  { $key: 'b', region: 'South', n: 10 },
  { $key: 'c', region: 'east', n: null },
  { $key: 'd', region: 'northeast', n: 1 },
]
const keys = (filter: string, column?: string, descending = false): string[] =>
  tableRows(ROWS, COLUMNS, { rows: 10 }, 50, undefined, {
    filter,
    sort: column === undefined ? null : { column, descending },
  }).map(row => row.key)

test('a table is newest first, sorted by a column when asked, nulls last either way', () => {
  assert.deepEqual(keys(''), ['d', 'c', 'b', 'a'])
  assert.deepEqual(keys('', 'n'), ['d', 'a', 'b', 'c'])
  assert.deepEqual(keys('', 'n', true), ['b', 'a', 'd', 'c'])
})

test('a filter keeps rows that hold the text in any column, whatever its case', () => {
  assert.deepEqual(keys('NORTH'), ['d', 'a'])
  assert.deepEqual(keys('10'), ['b'])
  assert.deepEqual(keys('nowhere'), [])
})

test('CSV has every row, quotes what needs it, and gives a spreadsheet no formula', () => {
  const columns: ChartColumn[] = [
    { name: 'who', kind: 'text' },
    { name: 'at', kind: 'instant' },
    { name: 'n', kind: 'number' },
  ]
  const rows: ChartRow[] = [
    { $key: '1', who: 'a "b", c', at: 1767258000000, n: -1.5 },
    { $key: '2', who: '=HYPERLINK("x")', at: null, n: null },
  ]
  assert.equal(
    tableCsv(rows, columns, { rows: 10 }),
    'who,at,n\r\n"\'=HYPERLINK(""x"")",,\r\n"a ""b"", c",2026-01-01T09:00:00.000Z,-1.5\r\n',
  )
})
