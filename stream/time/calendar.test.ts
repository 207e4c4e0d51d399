import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, cumulating, from, hopping, session, tumbling } from '../index.ts'
import type { StreamError } from '../index.ts'
import { Calendar } from './calendar.ts'

const HOUR = 3_600_000
const ms = (text: string) => Date.parse(text)

async function boundsOf(times: readonly string[], window: ReturnType<typeof tumbling>) {
  const rows = await from(
    times.map(at => ({ at: ms(at) })),
    { time: 'at' },
  )
    .window(window)
    .aggregate({ n: count() })
    .toArray()
  return rows.map(r => [new Date(r.windowStart).toISOString(), new Date(r.windowEnd).toISOString(), r.n])
}

test('a day in Berlin has 23 hours when clocks go forward and 25 when they go back', async () => {
  const days = await boundsOf(
    [
      '2026-03-28T23:00Z',
      '2026-03-29T21:59:59.999Z',
      '2026-03-29T22:00Z',
      '2026-10-24T22:00Z',
      '2026-10-25T22:59:59.999Z',
    ],
    tumbling('1d', { zone: 'Europe/Berlin' }),
  )
  assert.deepEqual(days, [
    ['2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z', 2],
    ['2026-03-29T22:00:00.000Z', '2026-03-30T22:00:00.000Z', 1],
    ['2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z', 2],
  ])
})

test('a day whose midnight is skipped starts at the first instant there is', () => {
  // In Havana clocks went from 00:00 to 01:00 on 2026-03-08.
  const day = new Calendar({ unit: 'd', count: 1, zone: 'America/Havana' }).at(ms('2026-03-08T12:00Z'))
  assert.equal(new Date(day.start).toISOString(), '2026-03-08T05:00:00.000Z')
  assert.equal(day.end - day.start, 23 * HOUR)
})

test('zones east and west, and before 1970', () => {
  const at = (zone: string, text: string) => {
    const { start, end } = new Calendar({ unit: 'd', count: 1, zone }).at(ms(text))
    return [new Date(start).toISOString(), (end - start) / HOUR]
  }
  assert.deepEqual(at('Pacific/Kiritimati', '2026-01-01T09:00Z'), ['2025-12-31T10:00:00.000Z', 24])
  assert.deepEqual(at('Pacific/Pago_Pago', '2026-01-01T09:00Z'), ['2025-12-31T11:00:00.000Z', 24])
  assert.deepEqual(at('Asia/Kathmandu', '2026-01-01T20:00Z'), ['2026-01-01T18:15:00.000Z', 24])
  assert.deepEqual(at('UTC', '1969-12-31T23:59Z'), ['1969-12-31T00:00:00.000Z', 24])
})

test('weeks begin on Monday, months have their own lengths, with and without a zone', async () => {
  assert.deepEqual(await boundsOf(['2026-01-04T12:00Z', '2026-01-05T00:00Z'], tumbling('1w')), [
    ['2025-12-29T00:00:00.000Z', '2026-01-05T00:00:00.000Z', 1],
    ['2026-01-05T00:00:00.000Z', '2026-01-12T00:00:00.000Z', 1],
  ])
  assert.deepEqual(await boundsOf(['2026-02-14T00:00Z', '2028-02-14T00:00Z'], tumbling('1mo')), [
    ['2026-02-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z', 1],
    ['2028-02-01T00:00:00.000Z', '2028-03-01T00:00:00.000Z', 1],
  ])
  assert.deepEqual(await boundsOf(['2026-03-29T12:00Z'], tumbling('1w', { zone: 'Europe/Berlin' })), [
    ['2026-03-22T23:00:00.000Z', '2026-03-29T22:00:00.000Z', 1],
  ])
  assert.deepEqual(await boundsOf(['2026-03-31T22:30Z'], tumbling('3mo', { zone: 'Europe/Berlin' })), [
    ['2026-03-31T22:00:00.000Z', '2026-06-30T22:00:00.000Z', 1],
  ])
})

test('today so far grows by hours from local midnight, 23 times on the short day', async () => {
  const rows = await from([{ at: ms('2026-03-28T23:30Z') }, { at: ms('2026-03-29T10:15Z') }], { time: 'at' })
    .window(cumulating('1d', '1h', { zone: 'Europe/Berlin' }))
    .aggregate({ n: count() })
    .toArray()
  assert.equal(rows.length, 23)
  assert.ok(rows.every(r => r.windowStart === ms('2026-03-28T23:00Z')))
  assert.deepEqual(
    rows.map(r => (r.windowEnd - r.windowStart) / HOUR),
    Array.from({ length: 23 }, (_, i) => i + 1),
  )
  assert.deepEqual(
    rows.map(r => r.n),
    Array.from({ length: 23 }, (_, i) => (i < 11 ? 1 : 2)),
  )
})

test('a zone where it means nothing, or that is none, is refused', () => {
  const refusals = [
    () => tumbling('10s', { zone: 'Europe/Berlin' }),
    () => tumbling('1d', { zone: 'Europe/Nowhere' }),
    () => tumbling('1d', { zone: 'Europe/Berlin', offset: '1h' }),
    () => hopping('1d', '1h', { zone: 'Europe/Berlin' }),
    () => tumbling('0mo'),
  ]
  for (const refusal of refusals) assert.throws(refusal, (e: StreamError) => e.hint !== undefined, String(refusal))
  assert.throws(() => session('1mo'))
})

test('every instant lies in its period, and periods follow each other without gaps', () => {
  const zones = [
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'America/Sao_Paulo',
    'Asia/Tehran',
    'Africa/Casablanca',
  ]
  for (const zone of zones) {
    for (const unit of ['d', 'w', 'mo'] as const) {
      const calendar = new Calendar({ unit, count: 1, zone })
      let at = ms('2015-01-01T00:00Z')
      for (let i = 0; i < 60; i++) {
        const { start, end } = calendar.at(at)
        assert.ok(start <= at && at < end, `${zone} ${unit}`)
        assert.equal(calendar.at(start).start, start)
        assert.equal(calendar.at(end - 1).start, start)
        assert.equal(calendar.at(end).start, end)
        at = end + (end - start) * 3
      }
    }
  }
})
