/** Completion, hover and completeness of magic cells. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { completeMagic, hoverMagic, isMagicCellComplete, MAGICS } from './index.ts'

const known = {
  streams: new Map([
    ['orders', { columns: ['region', 'amount', 'orderId'], cellId: 'a' }],
    ['ordersV1', { columns: ['old'], cellId: 'a' }],
  ]),
  topics: new Map([
    ['embedded', ['orders', 'payments']],
    ['prod', ['invoices']],
  ]),
  names: new Set(['orders']),
}

/** `start-end kind text kind text …`, or `none`. The bar stands for the cursor. */
function completed(marked: string): string {
  const cursor = marked.indexOf('|')
  const found = completeMagic(marked.replace('|', ''), cursor, known)
  if (found === undefined) return 'none'
  return [`${found.start}-${found.end}`, ...found.matches.map(match => `${match.kind} ${match.text}`)].join(' ')
}

// prettier-ignore
const cases: readonly (readonly [marked: string, result: string])[] = [
  ['%to|', '0-3 magic %topic magic %topics'],
  ['const a = 1\n  %stre|', '14-19 magic %streams'],
  ['%win|', '0-4 magic %%window'],
  ['%%win|', '0-5 magic %%window'],
  ['%%top|', '0-5'],
  ['const a = (\n%to|', 'none'],
  ['const t = `\n%to|', 'none'],
  ['const a = b %c|', 'none'],
  ['%%window ord|', '9-12 stream orders stream ordersV1'],
  ['%%window orders --t|', '16-19 option --tumbling'],
  ['%%window orders --tumbling 10s --of|', '31-35 option --offset'],
  ['%%window orders --by |', '21-21 field region field amount field orderId'],
  ['%%window orders --by re|', '21-23 field region'],
  ['%%window orders --by region,am|', '28-30 field amount'],
  ['%%window orders --by=re|', '21-23 field region'],
  ['%%window orders.v1 --by |', '24-24 field old'],
  ['%%window orders --emit ch|', '23-25 value changes'],
  ['%%window orders --chart n|', '24-25 value number value none'],
  ['%%window orders --tumbling {si|', 'none'],
  ['%%window (orders.fi|', 'none'],
  ['%%window orders x|', '16-17'],
  ['%%window orders --tumbling 1s --tumb|', '30-36'],
  ['%%filter orders\no => o.|', 'none'],
  ['%%filter orders\no => o.ok\n%%window --by am|', '40-42 field amount'],
  ['%topic p|', '7-8 topic payments topic prod:invoices'],
  ['%topic orders --format j|', '23-24 value json'],
  ['%topics d|', '8-9 value delete value describe'],
  ['%topics describe pay|', '17-20 topic payments'],
  ['%connect em|', '9-11 value embedded'],
  ['%types o|', '7-8 value on value off'],
  ['%stop ordersV|', '6-13 stream ordersV1'],
  ['%stop orders |', '13-13 stream orders stream ordersV1 option --all option --drain'],
  ['%topic -- -|', '10-11'],
  ['const a = 1|', 'none'],
]

for (const [marked, result] of cases) {
  test(`completion at ${JSON.stringify(marked)}`, () => assert.equal(completed(marked), result))
}

test('after %% every match is a cell magic, after % all magics stand', () => {
  const texts = (cell: string): string[] =>
    completeMagic(cell, cell.length, known)?.matches.map(match => match.text) ?? []
  assert.equal(texts('%').length, MAGICS.length)
  assert.ok(texts('%%').length >= 6)
  assert.deepEqual(
    texts('%%').filter(text => !text.startsWith('%%')),
    [],
  )
})

test('every option of every magic is completed by its first letters and explained by hover', () => {
  for (const magic of MAGICS) {
    for (const option of magic.options) {
      const cell = `${magic.kind === 'cell' ? '%%' : '%'}${magic.name} --${option.name}`
      const matches = completeMagic(cell, cell.length, known)?.matches ?? []
      assert.ok(
        matches.some(match => match.text === `--${option.name}`),
        cell,
      )
      assert.ok(hoverMagic(cell, cell.length - 1)?.text.includes(option.summary), cell)
    }
  }
})

test('hover on the name is the help, on a body it is not ours', () => {
  const cell = '%%filter orders\no => o.ok'
  assert.match(hoverMagic(cell, 3)?.text ?? '', /^%%filter \[STREAM\] \[--as big\]\n\nKeeps the rows/)
  assert.deepEqual([hoverMagic(cell, 3)?.start, hoverMagic(cell, 3)?.end], [0, 8])
  assert.equal(hoverMagic(cell, cell.length - 2), undefined)
  assert.equal(hoverMagic('const a = 1', 3), undefined)
})

const completeness: readonly (readonly [text: string, state: 'complete' | 'incomplete' | undefined])[] = [
  ['const a = 1', undefined],
  ['%topics', 'complete'],
  ['orders?', 'complete'],
  ['%%filter orders', 'incomplete'],
  ['%%filter orders\no => o.ok', 'incomplete'],
  ['%%filter orders\no => o.ok\n', 'complete'],
  ['%%filter orders\no => o.ok\n\n', 'complete'],
  ['%topics\nconst a = (', 'incomplete'],
  ['%topics\nconst a = 1', 'complete'],
]

for (const [text, state] of completeness) {
  test(`a console finds ${JSON.stringify(text)} ${state ?? 'not a magic'}`, () =>
    assert.equal(isMagicCellComplete(text), state))
}
