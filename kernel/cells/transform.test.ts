import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInThisContext } from 'node:vm'
import { captureInfo, watchOrigins } from './captures.ts'
import { compile } from './compile.ts'
import { drive } from './driver.ts'
import { createMachine } from './machine.ts'
import { createRun } from './run.ts'
import { createScope, type NameScope } from './scope.ts'
import { transform } from './transform.ts'

/** Runs cells one after the other in one scope and gives the value of the last. */
class Notebook {
  readonly scope: NameScope
  readonly machine = createMachine()
  private count = 0

  constructor(names: Record<string, unknown> = {}) {
    this.scope = createScope(names)
    watchOrigins(this.machine.origins)
  }

  async run(...cells: string[]): Promise<unknown> {
    let last: unknown
    for (const source of cells) {
      const cell = compile(this.machine, {
        label: `cell-${++this.count}.ts`,
        source,
        typed: source,
        scope: this.scope,
        folder: '/',
        meta: {},
        importer: () => Promise.reject(new Error('no imports here')),
      })
      const run = createRun({ requestId: 'r', cellId: 'c', allowStdin: false, silent: false })
      const boxed = await drive(this.machine, cell.start(), run)
      const moved = cell.result()
      last = moved === undefined ? boxed.value : moved.value
    }
    return last
  }
}

const table: readonly (readonly [name: string, cells: readonly string[], value: unknown])[] = [
  ['shows the last expression', ['1 + 1'], 2],
  ['shows nothing after a semicolon', ['1 + 1;'], undefined],
  ['shows a string alone, not a directive', ['"hello"'], 'hello'],
  ['keeps a semicolon inside a comment out of it', ['3 // ;'], 3],
  ['redeclares const as const', ['const x = 1', 'const x = 2', 'x'], 2],
  [
    'redeclares const as let, var, function, class',
    ['const x = 1', 'let x = 2', 'var x = 3', 'function x() { return 4 }', 'class x { static y = 5 }', 'x.y'],
    5,
  ],
  ['redeclares class as const', ['class A {}', 'const A = 3', 'A'], 3],
  ['keeps the value of a var declared again', ['var n = 4', 'var n', 'n'], 4],
  ['makes a let declared again undefined', ['let n = 4', 'let n', 'n'], undefined],
  ['lets closures see re-assignment', ['let x = 1; const f = () => x', 'x = 5', 'f()'], 5],
  ['lets closures see a redeclaration', ['const x = 1; function f() { return x }', 'let x = 9', 'f()'], 9],
  ['finds a name declared in a later cell', ['const f = () => later', 'const later = 7', 'f()'], 7],
  ['hoists functions', ['const y = g(); function g() { return 3 }', 'y'], 3],
  ['hoists var of a block', ['if (true) { var deep = 2 }', 'deep'], 2],
  ['keeps let of a block in the block', ['{ let inner = 2 }', 'typeof inner'], 'undefined'],
  [
    'takes objects apart',
    ['const { a, b: { c: [d = 4] }, ...rest } = { a: 1, b: { c: [] }, e: 5 }', '[a, d, rest]'],
    [1, 4, { e: 5 }],
  ],
  ['takes arrays apart with holes', ['const [, p, , ...q] = [1, 2, 3, 4, 5]', '[p, q]'], [2, [4, 5]]],
  ['takes computed keys apart', ['const k = "z"; const { [k]: z } = { z: 8 }', 'z'], 8],
  ['assigns by destructuring', ['let a = 1, b = 2', '[a, b] = [b, a]; ({ a } = { a: 3 }); [a, b]'], [3, 1]],
  ['reads shorthand properties', ['const u = 1, v = 2', '({ u, v })'], { u: 1, v: 2 }],
  ['increments and compounds', ['let n = 1', 'n++; ++n; n += 2; n **= 2; n'], 25],
  ['assigns logically', ['let m: number | null = null', 'm ??= 4; m'], 4],
  ['calls without a receiver', ['function self() { return this }', 'self() === undefined'], true],
  ['calls tags without a receiver', ['function tag(parts) { return this === undefined && parts[0] }', 'tag`x`'], 'x'],
  ['asks typeof of an unknown name', ['typeof unknownName'], 'undefined'],
  [
    'loops with labels',
    [
      'let hits = 0\nouter: for (let i = 0; i < 3; i++) { for (;;) { if (i === 1) continue outer; hits++; continue outer } }\nhits',
    ],
    2,
  ],
  [
    'loops without blocks',
    ['let s = 0\nfor (const v of [1, 2, 3]) s += v\ndo s++; while (s < 10)\nwhile (s < 12) s++\ns'],
    12,
  ],
  ['loops over notebook names', ['let it\nfor (it of [1, 2]);\nfor (var key in { q: 1 }) {}\n[it, key]'], [2, 'q']],
  ['awaits at the top', ['const w = await Promise.resolve(3)\nw + (await 1)'], 4],
  ['awaits in every place', ['const o = { [await "k"]: await 1, t: `${await 2}` }\no'], { k: 1, t: '2' }],
  [
    'iterates asynchronously',
    [
      'async function* gen() { yield 1; yield 2; yield 3 }',
      'let sum = 0\nfor await (const v of gen()) { if (v === 2) continue; sum += v }\nsum',
    ],
    4,
  ],
  [
    'leaves a labelled for await',
    [
      'const seen = []\nouter: for await (const a of [1, 2]) { for await (const b of [1, 2]) { if (b === 2) continue outer; seen.push(a * 10 + b) } }\nseen',
    ],
    [11, 21],
  ],
  [
    'closes the iterator of a left for await',
    [
      'let closed = false\nconst source = { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: 1 }), return: async () => { closed = true; return { done: true, value: 0 } } }) }\nfor await (const v of source) break\nclosed',
    ],
    true,
  ],
  ['assigns in a for await', ['let last = 0\nfor await (last of [1, Promise.resolve(5)]) {}\nlast'], 5],
  [
    'keeps names of functions and classes',
    ['const f = () => 1, C = class {}; const g = function () {}', '[f.name, C.name, g.name]'],
    ['f', 'C', 'g'],
  ],
  [
    'runs classes with every kind of member',
    [
      'class A<T> { #p = 1; static s = 2; readonly q: number = 3; declare d: string; [k: string]: unknown; get p(): number { return this.#p }; static { A.s++ }; async *g(): AsyncGenerator<T> {} }',
      '[new A().p, A.s, new A().q, "d" in new A()]',
    ],
    [1, 3, 3, false],
  ],
  [
    'extends with type arguments',
    [
      'abstract class B<T> { abstract m(): T; n() { return 2 } }\nclass D extends B<number> implements Iterable<1> { m() { return 1 } }\nnew D().m() + new D().n()',
    ],
    3,
  ],
  [
    'catches with a type',
    ['let msg\ntry { throw new Error("e") } catch (error: unknown) { msg = (error as Error).message }\nmsg'],
    'e',
  ],
  [
    'erases assertions and marks',
    ['let v!: number | undefined; v = 3 as number satisfies number; const w2 = v!; (v as any) = 4; [v, w2, <number>v]'],
    [4, 3, 4],
  ],
  [
    'erases overloads and this',
    [
      'function over(a: string): string\nfunction over(a: number): number\nfunction over(this: void, a: any): any { return a }\nover(2)',
    ],
    2,
  ],
  ['erases types between statements', ['const z = 1\ninterface I { a: 1 }\n(z)'], 1],
  ['erases a cast before a parenthesis', ['const y1 = 1 as number\n;[2].length'], 1],
  ['moves the parenthesis of a long return type', ['const f = (a: number):\n  number => a * 2\nf(4)'], 8],
  ['moves the parenthesis of long type parameters', ['function h() { return <\n  T,\n>(a: T) => a }\nh()(6)'], 6],
  ['runs enums', ['enum Color { Red, Green = 5, Blue }\n[Color.Blue, Color[5]]'], [6, 'Green']],
  ['runs an enum again', ['enum E { A }', 'enum E { B }', 'Object.keys(E)'], ['0', 'B']],
  ['runs namespaces', ['namespace N { export const a = 2 }\nN.a'], 2],
  [
    'runs parameter properties',
    ['class P { constructor(readonly a: number, private b = 2) {} sum() { return this.a + this.b } }\nnew P(1).sum()'],
    3,
  ],
  [
    'disposes and still shows',
    ['const log = []\nawait using r = { x: 1, async [Symbol.asyncDispose]() { log.push("gone") } }\nr.x', 'log'],
    ['gone'],
  ],
  ['keeps own uses of its helper names', ['const $s = 1; const $g = 2; let $c = 3', '[$s, $g, $c]'], [1, 2, 3]],
  ['resolves parameters before names', ['const p = 1', '((p: number) => p)(5)'], 5],
  ['resolves defaults and bodies apart', ['const d = 1\nfunction q(a = d) { var d = 3; return [a, d] }\nq()'], [1, 3]],
  [
    'resolves named function expressions',
    ['const fact = function inner(n: number): number { return n < 2 ? 1 : n * inner(n - 1) }\nfact(4)'],
    24,
  ],
  [
    'recurses through the notebook name',
    ['function fib(n: number): number { return n < 2 ? n : fib(n - 1) + fib(n - 2) }', 'fib(10)'],
    55,
  ],
  [
    'switches with declarations',
    ['let r2\nswitch (2 as number) { case 1: r2 = 1; break; case 2: { const r3 = 7; r2 = r3 } }\nr2'],
    7,
  ],
  ['shows a promise as it is', ['(Promise.resolve(1) instanceof Promise)'], true],
  [
    'runs generators',
    ['function* gn() { let i = 0; while (true) yield i++ }\nconst it2 = gn(); it2.next(); it2.next().value'],
    1,
  ],
  ['ignores a first line for the shell', ['#!/usr/bin/env node\n3'], 3],
  ['keeps text of templates', ['const t1 = "b";\n`a${`${t1}c`}`'], 'abc'],
]

for (const [name, cells, value] of table) {
  test(`a cell ${name}`, async () => {
    assert.deepEqual(await new Notebook().run(...cells), value)
  })
}

test('a missing name is the ReferenceError of JavaScript', async () => {
  await assert.rejects(new Notebook().run('nope + 1'), { name: 'ReferenceError', message: 'nope is not defined' })
})

test('a constant cannot be assigned in its own cell', async () => {
  const expected = { name: 'TypeError', message: 'Assignment to constant variable.' }
  await assert.rejects(new Notebook().run('const k = 1; k = 2'), expected)
  await assert.rejects(new Notebook().run('const k = 1; [k] = [2]'), expected)
  await assert.rejects(new Notebook().run('const k = 1; k++'), expected)
})

test('a name declared twice in one cell is a syntax error', async () => {
  await assert.rejects(new Notebook().run('let a = 1\nlet a = 2'), { name: 'SyntaxError' })
})

test('an API name can be used and redeclared', async () => {
  const notebook = new Notebook({ count: () => 'api' })
  assert.equal(await notebook.run('count()'), 'api')
  assert.equal(await notebook.run('const count = () => "mine"', 'count()'), 'mine')
})

test('a name declared in the cell it is read first in is noticed', () => {
  const noted = transform('const orders = orders.filter(o => o)', { isGlobal: () => false })
  assert.deepEqual([...noted.readsBeforeDeclaration.keys()], ['orders'])
  const fine = transform('const orders = 1\nconst big = orders + 1', { isGlobal: () => false })
  assert.deepEqual([...fine.readsBeforeDeclaration.keys()], [])
})

test('a lambda is known by its erased text, its names and their values', async () => {
  const notebook = new Notebook({ mean: Math.max })
  const f = (await notebook.run(
    'let threshold: number = 3',
    'const isBig = (o: { v: number }, limit?: number) => {\n  for (;;) break\n  return o.v! > threshold && mean(o.v) && Math.abs(o.v) && { threshold } as unknown\n}',
    'isBig',
  )) as () => unknown
  const info = captureInfo(f)
  assert.ok(info)
  assert.equal(
    info.text,
    '(o               , limit         ) => {\n  for (;;) break\n  return o.v  > threshold && mean(o.v) && Math.abs(o.v) && { threshold }           \n}',
  )
  assert.deepEqual([...info.names].sort(), ['mean', 'threshold'])
  assert.equal(info.read('threshold'), 3)
  assert.deepEqual(info.origin('mean'), { kind: 'api', name: 'mean' })
  assert.deepEqual(info.origin('threshold'), { kind: 'value' })
  assert.deepEqual(info.assigned, [])
  assert.deepEqual(
    { ...info.site },
    { cell: 'cell-2.ts', line: 1, column: 15, excerpt: '(o: { v: number }, limit?: number) => {' },
  )
})

test('a lambda made inside a function carries the locals it captures', async () => {
  const notebook = new Notebook()
  const make = 'const above = (t: number, unused = 0) => { let hits = 0; return (o: number) => o > t }'
  const f = (await notebook.run(make, 'above(5)')) as () => unknown
  const info = captureInfo(f)
  assert.ok(info)
  assert.equal(info.text, '(o        ) => o > t')
  assert.deepEqual(info.names, ['t'])
  assert.equal(info.read('t'), 5)
  const looped = (await notebook.run(
    'const fs = []; for (const r of ["a", "b"]) fs.push(o => o === r)\nfs[1]',
  )) as () => unknown
  assert.equal(captureInfo(looped)?.read('r'), 'b')
})

test('a function declared below its return carries its locals', async () => {
  const f = (await new Notebook().run(
    'function make(t) { return inner; function inner(o) { return o > t } }\nmake(4)',
  )) as () => unknown
  assert.equal(captureInfo(f)?.read('t'), 4)
  assert.equal(captureInfo(f)?.text, 'function inner(o) { return o > t }')
})

test('a class declared in a function carries its locals', async () => {
  const shape = (await new Notebook().run(
    'function make(t) { class Box { limit() { return t } } return Box }\nmake(4)',
  )) as never
  assert.equal(captureInfo(shape)?.read('t'), 4)
})

test('a lambda made inside a function without captured locals is found by its text', async () => {
  const f = (await new Notebook().run('function make() { return x => x * 17 }\nmake()')) as () => unknown
  assert.equal(captureInfo(f)?.text, 'x => x * 17')
  assert.equal(captureInfo(f)?.site.column, 26)
})

test('a shipped lambda keeps its loops and statements as they are', async () => {
  const text =
    '(k) => { let s = 0; for (let i = 0; i < k; i++) s += i; if (s) s++; else s--; while (s < 9) s++; return s }'
  const f = (await new Notebook().run(text)) as () => unknown
  const shipped = captureInfo(f)?.text ?? ''
  const revived = runInThisContext(`(${shipped})`) as (k: number) => number
  assert.equal(revived(4), 9)
  assert.doesNotMatch(shipped, /\$|\) ;s/)
})

test('a foreign function is not taken for a part of a cell', async () => {
  await new Notebook().run('function big(rows) { const f = x => x; return rows.map(f) }\nbig')
  const foreign = runInThisContext('x => x') as () => unknown
  assert.equal(captureInfo(foreign)?.text, 'x => x')
  const other = runInThisContext('(rows => rows.map(f))') as () => unknown
  assert.equal(captureInfo(other), undefined)
})

test('a named function made inside another is found by its text', async () => {
  const f = (await new Notebook().run(
    'function make() { step = o => o.n * 3; return step }\nlet step\nmake()',
  )) as () => unknown
  assert.equal(captureInfo(f)?.text, 'o => o.n * 3')
})

test('a lambda that assigns to what it captures says where', async () => {
  const f = (await new Notebook().run(
    'let total = 0',
    'const f = (o: number) => {\n  total += o\n}\nf',
  )) as () => unknown
  assert.deepEqual(captureInfo(f)?.assigned, [{ name: 'total', line: 2, column: 3 }])
})

test('own names and parameters are no captures; recursion is none either', async () => {
  const f = (await new Notebook().run(
    'function walk(n: number): number { const m = n - 1; return m > 0 ? walk(m) : 0 }\nwalk',
  )) as () => unknown
  assert.deepEqual(captureInfo(f)?.names, [])
})

test('a class and a method are known as expressions', async () => {
  const notebook = new Notebook()
  const shape = (await notebook.run('const base = 2\nclass Box { area(): number { return base } }\nBox')) as never
  assert.equal(captureInfo(shape)?.kind, 'class')
  assert.deepEqual(captureInfo(shape)?.names, ['base'])
  const steps = (await notebook.run('({ big(p: number) { return p > base } })')) as { big: () => unknown }
  const info = captureInfo(steps.big)
  assert.equal(info?.text, '({ big(p        ) { return p > base } }).big')
})

test('native functions are unknown', () => {
  assert.equal(captureInfo(Math.abs as never), undefined)
})
