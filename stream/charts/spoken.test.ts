import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyStatus } from './chart.ts'
import { spokenChart } from './spoken.ts'
import type { ChartColumn, ChartRow } from './protocol.ts'

const columns: readonly ChartColumn[] = [
  { name: 'region', kind: 'text' },
  { name: 'windowEnd', kind: 'instant' },
  { name: 'n', kind: 'number' },
]
const NINE = Date.UTC(2026, 0, 1, 9)
const row = (region: string, seconds: number, n: number, $open = false): ChartRow => ({
  $key: `${region} ${seconds}`,
  region,
  windowEnd: NINE + seconds * 1000,
  n,
  ...($open ? { $open } : {}),
})
const spec = { encoding: { x: { field: 'windowEnd' }, y: { field: 'n' }, color: { field: 'region' } } }
const status = emptyStatus('running')
const rows = [row('north', 10, 3), row('north', 20, 4), row('south', 10, 7), row('north', 30, 1, true)]
const STANDING = 'running, 0 events (0/s), 0 late, 0 dropped, 0 errors'

test('a chart says the newest finished value of each series, and how its stream stands', () => {
  assert.equal(
    spokenChart({ title: 'Orders', spec, columns, rows, status }),
    `Chart of Orders, 4 points, newest n north 4, south 7 at 2026-01-01 09:00:20: ${STANDING}`,
  )
})

test('without an axis of values, or without rows, it says how many points there are', () => {
  assert.equal(
    spokenChart({ title: 'Orders', spec: {}, columns, rows, status }),
    `Chart of Orders, 4 points: ${STANDING}`,
  )
  assert.equal(
    spokenChart({ title: 'Orders', spec, columns, rows: [], status }),
    `Chart of Orders, 0 points: ${STANDING}`,
  )
})
