/** `%%cep` as TypeScript, and what it refuses. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expanded, refusal } from './testing.ts'

const STEPS = 'a: e => e.amount < 5\nb: e => e.amount > 9'

const cases: readonly (readonly [title: string, cell: string, source: string])[] = [
  [
    'all options and select',
    '%%cep orders --by region --within 10m --skip to-last=b --as found\npattern: a+ -> b\na: e => e.amount < 5\nb: (e, m) => e.amount > mean(m.a, x => x.amount)\nselect: m => ({ n: m.a.length })',
    "const found = orders\n  .keyBy('region')\n  .match('a+ -> b', { a: e => e.amount < 5, b: (e, m) => e.amount > riffle.mean(m.a, x => x.amount) }, { within: '10m', skip: 'to-last=b' })\n  .select(m => ({ n: m.a.length }))\nfound",
  ],
  [
    'without options',
    `%%cep orders\npattern: a -> b\n${STEPS}`,
    "const ordersMatches = orders\n  .match('a -> b', { a: e => e.amount < 5, b: e => e.amount > 9 })\nordersMatches",
  ],
  [
    'a definition ends where its expression ends',
    '%%cep orders\npattern: a\n  -> b\na: e =>\n  e.amount < 5\n  && e.ok\nb: e => {\n  const limit: number = 3\n  return e.amount > limit\n}\nselect: m => ({\n  first: m.a[0],\n  n: 1,\n})',
    "const ordersMatches = orders\n  .match('a   -> b', { a: e =>\n  e.amount < 5\n  && e.ok, b: e => {\n  const limit: number = 3\n  return e.amount > limit\n} })\n  .select(m => ({\n  first: m.a[0],\n  n: 1,\n}))\nordersMatches",
  ],
  [
    'commas at the end of lines, two on one line',
    '%%cep orders\npattern: a -> b,\na: e => e.amount < 5, b: e => e.amount > 9,',
    "const ordersMatches = orders\n  .match('a -> b', { a: e => e.amount < 5, b: e => e.amount > 9 })\nordersMatches",
  ],
  [
    'near misses instead of matches',
    `%%cep orders --near-miss\npattern: a, b\n${STEPS}\nselect: m => m.a`,
    "const ordersMatches = orders\n  .match('a, b', { a: e => e.amount < 5, b: e => e.amount > 9 })\n  .nearMisses()\nordersMatches",
  ],
  [
    'a window that is an expression',
    `%%cep orders --within {limit}\npattern: a -> !b\n${STEPS}`,
    "const ordersMatches = orders\n  .match('a -> !b', { a: e => e.amount < 5, b: e => e.amount > 9 }, { within: limit })\nordersMatches",
  ],
]

for (const [title, cell, source] of cases) test(title, () => assert.equal(expanded(cell).trim(), source))

const refused: readonly (readonly [cell: string, says: RegExp])[] = [
  [`%%cep orders\n${STEPS}`, /does not begin with its pattern/],
  [`%%cep orders\npattern: a -> b -> a\n${STEPS}`, /step "a" stands there twice/],
  [`%%cep orders\npattern: a -> !b\n${STEPS}`, /"!" at the end has no window/],
  [`%%cep orders\npattern: PERMUTE(a, b)\n${STEPS}`, /PERMUTE\(…\) is not part of the pattern language/],
  [`%%cep orders\npattern: a -> c\n${STEPS}`, /step "c" has no definition/],
  [`%%cep orders\npattern: a\n${STEPS}`, /definition "b" is not used/],
  [`%%cep orders --skip to-last=x\npattern: a -> b\n${STEPS}`, /names "x", which takes no event/],
  [`%%cep orders --skip last\npattern: a -> b\n${STEPS}`, /it is past-last, to-next/],
  [`%%cep orders\npattern: a -> b\na: e => e.\nb: e => e.ok`, /A definition of %%cep does not parse/],
]

for (const [cell, says] of refused)
  test(`refused: ${cell.replaceAll('\n', ' ⏎ ')}`, () => assert.match(refusal(cell).join('\n'), says))

test('the caret stands under the step in the cell', () => {
  const lines = refusal(`%%cep orders\npattern: a -> b -> a\n${STEPS}`)
  assert.deepEqual(lines.slice(1, 3), ['  pattern: a -> b -> a', '                     ^'])
})
