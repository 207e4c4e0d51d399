import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readChoice, writeChoice } from '../../extension/src/chart-header.ts'
import type { ChartChoice } from '../../extension/src/chart-header.ts'

const choice = (told: Partial<ChartChoice>): ChartChoice => ({ mark: null, x: null, y: null, color: null, ...told })

const cases: readonly (readonly [about: string, source: string, told: Partial<ChartChoice>, stream: string | null, result: string | null])[] = [
  ['a window gets a chart as its last section', '%%window orders --tumbling 10s', { mark: 'bar' }, 'ordersWindow', '%%window orders --tumbling 10s\n%%chart --mark bar'],
  ['a topic is named', '%topic orders', { mark: 'point', x: 'amount' }, 'orders', '%topic orders\n%%chart orders --mark point --x amount'],
  ['a stream without a name cannot be written', 'orders.filter(o => o.amount > 0)', { mark: 'line' }, null, null],
  ['a header keeps what is not picked, and its body', '%%chart revenue --mark line --keep 5m --title "A b"\n{ "height": 90 }', { mark: 'area', y: 'revenue' }, 'revenue', '%%chart revenue --keep 5m --title "A b" --mark area --y revenue\n{ "height": 90 }'],
  ['what is taken back goes', '%%chart revenue --mark=line --color region', {}, 'revenue', '%%chart revenue'],
  ['only the last chart is changed', '%%chart a --mark line\n%%chart b --mark line', { mark: 'bar' }, 'b', '%%chart a --mark line\n%%chart b --mark bar'],
  ['an odd field is quoted', '%%chart a', { y: 'p 95' }, 'a', '%%chart a --y "p 95"'],
] // prettier-ignore

for (const [about, source, told, stream, result] of cases)
  test(`the picker's header: ${about}`, () => {
    const written = writeChoice(source, choice(told), stream)
    assert.equal(written, result)
    if (written !== null) assert.deepEqual(readChoice(written), choice(told))
  })

test('a cell without a chart section says nothing', () => {
  assert.deepEqual(readChoice('%%window orders --tumbling 10s --by x'), choice({}))
  assert.deepEqual(readChoice('1 + 1'), choice({}))
})
