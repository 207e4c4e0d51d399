/** `%%join` as TypeScript, and what it refuses. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expanded, refusal } from './testing.ts'

const cases: readonly (readonly [title: string, cell: string, source: string])[] = [
  [
    'within, with a body',
    '%%join orders payments --on orderId --within 5m --type left --as paid\n(o, p) => ({ ...o, paidAt: p?.at })',
    "const paid = orders\n  .join(payments, { on: 'orderId', within: '5m', type: 'left' }, (o, p) => ({ ...o, paidAt: p?.at }))\npaid",
  ],
  [
    'two bounds, other names, no body',
    '%%join orders payments --on orderId=card,region=orderId --within -1m..5m',
    "const ordersJoin = orders\n  .join(payments, { on: ['orderId=card', 'region=orderId'], within: '-1m..5m' })\nordersJoin",
  ],
  [
    'windows',
    '%%join orders payments --on orderId --hopping 10s/5s --type semi',
    "const ordersJoin = orders\n  .join(payments, { on: 'orderId', window: riffle.hopping('10s', '5s'), type: 'semi' })\nordersJoin",
  ],
  [
    'sessions',
    '%%join orders payments --on orderId --session 30s --type full;',
    "const ordersJoin = orders\n  .join(payments, { on: 'orderId', window: riffle.session('30s'), type: 'full' })",
  ],
  [
    'a table',
    '%%join orders payments --on orderId --table;',
    "const ordersJoin = orders\n  .join(payments, { on: 'orderId', table: true })",
  ],
  [
    'versions',
    '%%join orders payments --on orderId --as-of;',
    "const ordersJoin = orders\n  .join(payments, { on: 'orderId', asOf: true })",
  ],
  [
    'a time to live',
    '%%join orders payments --on orderId --ttl 1h;',
    "const ordersJoin = orders\n  .join(payments, { on: 'orderId', ttl: '1h' })",
  ],
  [
    'expressions',
    '%%join (orders.filter(o => o.ok)) payments --on {key} --within {limit};',
    'const ordersJoin = (orders.filter(o => o.ok))\n  .join(payments, { on: key, within: limit })',
  ],
  [
    'a window below',
    '%%join orders payments --on orderId --within 5m\n%%window --tumbling 10s;',
    "const ordersWindow = orders\n  .join(payments, { on: 'orderId', within: '5m' })\n  .window(riffle.tumbling('10s'))\n  .aggregate({ count: riffle.count() })",
  ],
]

for (const [title, cell, source] of cases) {
  test(title, () => assert.equal(expanded(cell).trim(), source))
}

const refused: readonly (readonly [cell: string, says: RegExp])[] = [
  ['%%join orders --on orderId --within 5m', /needs a RIGHT/],
  ['%%join orders payments --within 5m', /does not say on which field/],
  ['%%join orders payments --on orderId', /does not say which rows belong together/],
  ['%%join orders payments --on orderId --within 5m --table', /--within or --table, not both/],
  ['%%join orders payments --on orderId --within 5', /a duration like 5m, or two like -1m\.\.5m/],
  ['%%join orders payments --on orderId --within 5m..1m', /first bound is greater than the second; try 1m\.\.5m/],
  [
    '%%join orders payments --on orderid --within 5m',
    /orders has no field orderid, did you mean orderId; its fields are orderId, region, amount[^]*Try: --on orderId\n/,
  ],
  [
    '%%join orders payments --on orderId,region=shop --within 5m',
    /payments has no field shop[^]*its fields are orderId, card[^]*Try: --on orderId,region=/,
  ],
  ['%%join orders payments --on orderId= --within 5m', /it is a field, or LEFT=RIGHT/],
  [
    '%%join orders payments --on orderId --within 5m --type semi',
    /--within is one of inner, left, right, full, not semi/,
  ],
  ['%%join orders payments --on orderId --as-of --type full', /--as-of is one of inner, left, not full/],
  ['%%join orders payments --on orderId --within 5m --type outer', /it is one of inner, left/],
  ['%%join orders payments --on orderId --within 5m --as payments', /it reads the stream of that name/],
  ['%%join orders refunds --on orderId --within 5m', /refunds/],
]

for (const [cell, says] of refused) {
  test(`refused: ${cell}`, () => assert.match(refusal(cell).join('\n'), says))
}
