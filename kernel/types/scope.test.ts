import assert from 'node:assert/strict'
import { test } from 'node:test'
import { declaredNames } from './declared.ts'
import { Scope } from './scope.ts'

const names = (source: string) =>
  Object.fromEntries([...(declaredNames(source) ?? [])].map(([name, { kind }]) => [name, kind]))

test('declarations of every form are found, values apart from what is also a type', () => {
  assert.deepEqual(
    names(`
      import fs, { join as path } from 'node:path'
      const { a, b: [c, ...d], ...e } = x
      let f = 1, g
      function h() {}
      class I {}
      enum J { K }
      interface L {}
      type M = 1
      export const n = 1
      if (true) { var o = 1; let hidden = 2 }
    `),
    {
      fs: 'entity',
      path: 'entity',
      a: 'value',
      c: 'value',
      d: 'value',
      e: 'value',
      f: 'value',
      g: 'value',
      h: 'value',
      I: 'entity',
      J: 'entity',
      L: 'entity',
      M: 'entity',
      n: 'value',
      o: 'value',
    },
  )
  assert.equal(declaredNames('const ='), undefined)
})

test('a cell gets the names it uses from their newest module, and not those it declares', () => {
  const scope = new Scope({ api: ['topic', 'sum'] })
  scope.remember('cell-1.ts', declaredNames('const total = 1; class Point {}; const sum = 2')!, undefined)
  scope.remember('cell-2.ts', declaredNames('const total = "two"')!, undefined)
  const source = 'const own = topic(total + sum + odd); new Point()'
  const { text, lineOffset } = scope.document(source, declaredNames(source)!, ['odd', 'total'], false)
  const [first, second, last] = text.split('\n')
  assert.equal(lineOffset, 1)
  assert.deepEqual(first?.split('; ').sort(), [
    'declare var odd: any',
    "declare var sum: typeof import('./cell-1.ts').sum",
    "declare var total: typeof import('./cell-2.ts').total",
    "import { Point } from './cell-1.ts'",
    "import { topic } from 'riffle-kernel'",
  ])
  assert.equal(second, source)
  assert.equal(last, 'export { own }')
})

test('a value that a failed cell never made stays what it was', () => {
  const scope = new Scope({ api: [] })
  scope.remember('cell-1.ts', declaredNames('const a = 1')!, new Set(['a']))
  scope.remember('cell-2.ts', declaredNames('const a = "x"; const b = 1; interface T {}')!, new Set(['a']))
  const { text } = scope.document('a; b; let t: T', declaredNames('a; b; let t: T')!, [], false)
  assert.match(text, /cell-2.ts'\).a/)
  assert.doesNotMatch(text, /declare var b/)
  assert.match(text, /import \{ T \}/)
})
