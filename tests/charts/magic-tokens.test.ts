import assert from 'node:assert/strict'
import { test } from 'node:test'
import { magicTokens } from '../../extension/src/editor/magic-tokens.ts'

const parts = (line: string): string[] =>
  magicTokens(line).map(({ from, to, kind }) => `${kind} ${line.slice(from, to)}`)

test('the parts of a magic: name, options, values, texts', () => {
  assert.deepEqual(parts('%%window orders --tumbling 10s --by=region'), [
    'magic %%window',
    'value orders',
    'option --tumbling',
    'value 10s',
    'option --by',
    'value region',
  ])
  assert.deepEqual(parts('%%chart revenue --title "Revenue by region" --y {field}'), [
    'magic %%chart',
    'value revenue',
    'option --title',
    'string "Revenue by region"',
    'option --y',
    'value {field}',
  ])
  assert.deepEqual(parts('%topic orders --from -10000;'), [
    'magic %topic',
    'value orders',
    'option --from',
    'value -10000',
    'end ;',
  ])
})

test('TypeScript is left alone, and half a magic is coloured as far as it goes', () => {
  assert.deepEqual(parts('const a = 10 % b'), [])
  assert.deepEqual(parts('  % 2'), [])
  assert.deepEqual(parts('%'), [])
  assert.deepEqual(parts('%%window orders --title "not clos'), [
    'magic %%window',
    'value orders',
    'option --title',
    'string "not clos',
  ])
})
