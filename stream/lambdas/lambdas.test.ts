import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { deserialize, serialize } from 'node:v8'
import type { Captured, ShippedLambda } from '../plan.ts'
import { PARAM_BRAND, STREAM_BRAND } from './capture-info.ts'
import type { CaptureInfo, NameOrigin } from './capture-info.ts'
import { loadImports } from './imports.ts'
import { lambdaFrame } from './place.ts'
import { revive } from './revive.ts'
import type { ReviveEnv } from './revive.ts'
import { ship } from './ship.ts'
import { captureList } from './walk.ts'

const root = mkdtempSync(join(tmpdir(), 'riffle-lambdas-'))
after(() => rmSync(root, { recursive: true, force: true }))

type F = (...args: never[]) => unknown

/** Plays the cells process: knows the functions registered with `cell`. */
class Notebook {
  readonly known = new Map<unknown, CaptureInfo>()
  scope: Record<string, unknown> = {}

  cell(f: F, names: string[] = [], more: Partial<CaptureInfo> & { origins?: Record<string, NameOrigin> } = {}): F {
    const text = f.toString()
    this.known.set(f, {
      kind: text.startsWith('class') ? 'class' : 'function',
      text,
      names,
      read: name => {
        if (!(name in this.scope)) throw new ReferenceError(`${name} is not defined`)
        return this.scope[name]
      },
      origin: name => more.origins?.[name] ?? { kind: 'value' },
      assigned: [],
      site: { cell: 'cell-5.ts', line: 3, column: 12, excerpt: text.split('\n')[0]! },
      ...more,
    })
    return f
  }

  ship(f: F): ShippedLambda {
    const lambda = ship(f, { info: g => this.known.get(g), apiName: g => (g === apiMean ? 'mean' : undefined) })
    // Everything a lambda holds must survive the way to another process.
    return deserialize(serialize(lambda)) as ShippedLambda
  }
}

const apiMean = (xs: number[]) => xs.reduce((a, b) => a + b, 0) / xs.length
const env: ReviveEnv = { api: name => (name === 'mean' ? apiMean : undefined), param: () => 0.5 }
const f = (text: string): F => new Function(`return (${text})`)() as F

const values: [name: string, value: unknown][] = [
  ['a number', 100],
  ['NaN', Number.NaN],
  ['text', 'eu'],
  ['bigint', 12n],
  ['null', null],
  ['undefined', undefined],
  ['a plain object', { limit: 3, deep: { list: [1, 'two', null] } }],
  ['an object without prototype', Object.assign(Object.create(null) as object, { a: 1 })],
  ['a Map', new Map([['eu', { rate: 1.2 }]])],
  ['a Set', new Set([1, 2])],
  ['a Date', new Date(1_767_258_000_000)],
  ['a typed array', new Float64Array([1.5, -0])],
  ['an ArrayBuffer', new Uint8Array([1, 2]).buffer],
  ['a regular expression', /a+/g],
]
for (const [name, value] of values) {
  test(`a lambda captures ${name}`, () => {
    const book = new Notebook()
    book.scope = { captured: value }
    const lambda = book.ship(book.cell(f('() => captured'), ['captured']))
    assert.deepEqual(revive(lambda, env)(), value)
  })
}

test('a lambda captures the value of the moment, later changes do not reach it', () => {
  const book = new Notebook()
  const list = [1]
  book.scope = { threshold: 100, list }
  const lambda = book.ship(book.cell(f('v => [v > threshold, list.length]'), ['threshold', 'list']))
  book.scope['threshold'] = 200
  list.push(2)
  assert.deepEqual(revive(lambda, env)(150), [true, 1])
  assert.deepEqual(captureList({ op: 'filter', input: { op: 'stream', name: 's' }, f: lambda }), [
    { name: 'threshold', value: '100' },
    { name: 'list', value: 'Array(1)' },
  ])
})

test('functions come with their own captures, recursion and mutual recursion work', () => {
  const book = new Notebook()
  const even = book.cell(f('n => n === 0 ? true : odd(n - 1)'), ['odd'])
  const odd = book.cell(f('n => n === 0 ? false : even(n - 1)'), ['even'])
  const fact = book.cell(f('function fact(n) { return n < 2 ? one : n * fact(n - 1) }'), ['one'])
  book.scope = { even, odd, fact, one: 1 }
  const lambda = book.ship(book.cell(f('n => [even(n), odd(n), fact(n)]'), ['even', 'odd', 'fact']))
  assert.deepEqual(revive(lambda, env)(5), [false, true, 120])
})

test('a lambda that captures itself under its notebook name works', () => {
  const book = new Notebook()
  const fib = book.cell(f('n => n < 2 ? n : fib(n - 1) + fib(n - 2)'), ['fib'])
  book.scope = { fib }
  assert.equal(revive(book.ship(fib), env)(10), 55)
})

test('classes, subclasses and their instances travel', () => {
  const book = new Notebook()
  const Shape = f('class Shape { size = 2; area() { return this.size } }') as unknown as new () => { size: number }
  const extend = new Function(
    'Shape',
    'scale',
    'return class Square extends Shape { area() { return this.size * super.area() * scale } }',
  )
  const Square = extend(Shape, 10) as typeof Shape
  const scale = 10
  book.cell(Shape as unknown as F)
  book.cell(Square as unknown as F, ['Shape', 'scale'])
  const square = new Square()
  square.size = 3
  book.scope = { Shape, Square, square, scale }
  const lambda = book.ship(
    book.cell(f('() => [new Square().area(), square.area(), square instanceof Square]'), ['Square', 'square']),
  )
  assert.deepEqual(revive(lambda, env)(), [40, 90, true])
})

test('functions inside plain data and cyclic data travel', () => {
  const book = new Notebook()
  const big = book.cell(f('p => p > limit'), ['limit'])
  const rules: Record<string, unknown> = { list: [big], by: new Map([['big', big]]), all: new Set([big]) }
  rules['self'] = rules
  book.scope = { rules, limit: 7 }
  const lambda = book.ship(
    book.cell(f('v => [rules.list[0](v), rules.by.get("big")(v), [...rules.all][0](v), rules.self === rules]'), [
      'rules',
    ]),
  )
  assert.deepEqual(revive(lambda, env)(8), [true, true, true, true])
})

test('API names, functions of the language and methods work', () => {
  const book = new Notebook()
  const holder = { twice(n: number) { return abs(n) * 2 } } // prettier-ignore
  const abs = Math.abs
  book.scope = { abs, average: apiMean, twice: holder.twice }
  book.cell(holder.twice as F, ['abs'])
  const origins: Record<string, NameOrigin> = { mean: { kind: 'api', name: 'mean' } }
  const lambda = book.ship(
    book.cell(f('xs => [mean(xs), average(xs), twice(-4)]'), ['mean', 'average', 'twice'], { origins }),
  )
  assert.deepEqual(revive(lambda, env)([1, 3]), [2, 2, 8])
})

test('a param is read at each call and cannot be set', () => {
  const book = new Notebook()
  let now = 0.5
  book.scope = { t: { [PARAM_BRAND]: 'threshold', value: 1 } }
  const live = { ...env, param: (name: string) => (name === 'threshold' ? now : undefined) }
  const read = revive(book.ship(book.cell(f('() => t.value'), ['t'])), live)
  assert.equal(read(), 0.5)
  now = 0.9
  assert.equal(read(), 0.9)
  const write = revive(book.ship(book.cell(f('() => { t.value = 3 }'), ['t'])), live)
  assert.throws(() => write(), { code: 'LAMBDA_ASSIGNMENT' })
})

test('imports are loaded again from the folder of the notebook', async () => {
  const folder = mkdtempSync(join(root, 'each-'))
  writeFileSync(join(folder, 'rates.ts'), 'export const rate: number = 1.5\nexport default (n: number) => n * rate\n')
  const book = new Notebook()
  const from = folder
  const origins: Record<string, NameOrigin> = {
    rate: { kind: 'import', specifier: './rates.ts', imported: 'rate', from },
    convert: { kind: 'import', specifier: './rates.ts', imported: 'default', from },
    path: { kind: 'import', specifier: 'node:path', imported: '*', from },
  }
  const lambda = book.ship(
    book.cell(f('n => [rate, convert(n), path.posix.join("a", "b")]'), ['rate', 'convert', 'path'], { origins }),
  )
  const modules = new Map()
  await loadImports([lambda], modules)
  assert.deepEqual(revive(lambda, { ...env, modules })(2), [1.5, 3, 'a/b'])
  const lost = book.ship(
    book.cell(f('() => gone'), ['gone'], {
      origins: { gone: { kind: 'import', specifier: './gone.ts', imported: 'gone', from } },
    }),
  )
  await assert.rejects(loadImports([lost], modules), { code: 'LAMBDA_CAPTURE', message: /Cannot import ".\/gone.ts"/ })
})

const native = new EventEmitter()
class Hidden {
  #secret = 1
  read() {
    return this.#secret
  }
}
const refused: [name: string, scope: Record<string, unknown>, text: string, path: string][] = [
  ['a socket deep in an object', { config: { client: { socket: new Socket() } } }, '() => config.client.socket', '"config.client.socket" is an instance of Socket'],
  ['a client', { client: native }, '() => client', '"client" is an instance of EventEmitter'],
  ['a promise', { answer: Promise.resolve(1) }, '() => answer', '"answer" is a promise'],
  ['a thenable', { query: { then: () => {} } }, '() => query', '"query" is a promise'],
  ['a stream', { orders: { [STREAM_BRAND]: 'orders' } }, '() => orders', '"orders" is a stream'],
  ['a WeakMap', { cache: new WeakMap() }, '() => cache', '"cache" is a WeakMap'],
  ['a WeakRef', { cache: new WeakRef({}) }, '() => cache', '"cache" is a WeakRef'],
  ['a symbol in an array', { tags: ['a', Symbol('b')] }, '() => tags', '"tags[1]" is a symbol'],
  ['a bound function', { go: (() => 1).bind(null) }, '() => go', '"go" is a function whose source is not known'],
  ['a proxy', { p: new Proxy({}, {}) }, '() => p', '"p" is a proxy'],
  ['a generator', { g: (function* () {})() }, '() => g', '"g" is a generator'],
  ['a SharedArrayBuffer', { s: new SharedArrayBuffer(8) }, '() => s', '"s" is a SharedArrayBuffer'],
  ['a promise in a Map', { m: new Map([['a', Promise.resolve()]]) }, '() => m', '"m.get(\'a\')" is a promise'],
] // prettier-ignore
for (const [name, scope, text, message] of refused) {
  test(`a lambda that captures ${name} is refused with its path, place and the way out`, () => {
    const book = new Notebook()
    book.scope = scope
    const lambda = book.cell(f(text), Object.keys(scope))
    assert.throws(
      () => book.ship(lambda),
      (error: Error & { code?: string; detail?: string; hint?: string }) => {
        assert.equal(error.code, 'LAMBDA_CAPTURE')
        assert.ok(error.message.includes(message), error.message)
        assert.equal(error.detail, 'cell-5.ts:3:12')
        assert.match(error.hint!, /\.forEach\(f\).*for await.*\.mapAsync/)
        return true
      },
    )
  })
}

test('an instance with private fields is refused', () => {
  const book = new Notebook()
  book.cell(Hidden as unknown as F)
  book.scope = { hidden: new Hidden() }
  assert.throws(() => book.ship(book.cell(f('() => hidden'), ['hidden'])), /private fields/)
})

test('assigning to a captured variable is refused at its place', () => {
  const book = new Notebook()
  book.scope = { n: 0 }
  const lambda = book.cell(f('() => { n++ }'), ['n'], { assigned: [{ name: 'n', line: 3, column: 20 }] })
  assert.throws(() => book.ship(lambda), { code: 'LAMBDA_ASSIGNMENT', detail: 'cell-5.ts:3:20', hint: /\.forEach/ })
})

test('an asynchronous lambda, a name without value and a function nobody knows are refused', () => {
  const book = new Notebook()
  assert.throws(() => book.ship(book.cell(f('async () => 1'))), { code: 'LAMBDA_CAPTURE', hint: /mapAsync/ })
  assert.throws(() => book.ship(book.cell(f('() => later'), ['later'])), { message: /"later" has no value yet/ })
  assert.throws(() => book.ship(Math.max as F), { code: 'LAMBDA_CAPTURE', hint: 'Wrap it: x => max(x)' })
})

test('an error of a lambda has the place the user typed, of a captured function too', () => {
  const book = new Notebook()
  const site = { cell: 'cell-7.ts', line: 10, column: 5, excerpt: 'check' }
  const check = book.cell(f('o => {\n  if (o.bad) throw new RangeError("bad")\n  return o.x.y }'), [], { site })
  book.scope = { check }
  const lambda = book.ship(book.cell(f('o => check(o)'), ['check']))
  const run = revive(lambda, env)
  const place = (row: unknown) => {
    try {
      run(row)
    } catch (error) {
      return lambdaFrame(error, lambda)
    }
    return undefined
  }
  assert.deepEqual(place({ bad: true }), { cell: 'cell-7.ts', line: 11, column: 20 })
  assert.deepEqual(place({}), { cell: 'cell-7.ts', line: 12, column: 14 })
  // The text starts at column 12 of line 3: `o => check(o)` reads `o` nowhere else, so a stack overflow ends there.
  assert.deepEqual(lambdaFrame('no stack', lambda), { cell: 'cell-5.ts', line: 3, column: 12 })
  const direct = book.ship(book.cell(f('o => o.x.y')))
  assert.throws(
    () => revive(direct, env)({}),
    (error: Error) => {
      assert.deepEqual(lambdaFrame(error, direct), { cell: 'cell-5.ts', line: 3, column: 21 })
      return true
    },
  )
})

test('console inside a lambda and inside what it captured is the given one', () => {
  const book = new Notebook()
  const lines: unknown[] = []
  const say = book.cell(f('x => console.log("inner", x)'))
  book.scope = { say }
  const lambda = book.ship(book.cell(f('x => { console.log(x); say(x) }'), ['say']))
  revive(lambda, { ...env, console: { log: (...args: unknown[]) => lines.push(args) } })(1)
  assert.deepEqual(lines, [[1], ['inner', 1]])
})

test('a text that is no function is refused with its place', () => {
  const broken: Captured = {
    kind: 'lambda',
    text: 'o => (',
    captures: {},
    site: { cell: 'cell-1.ts', line: 1, column: 1, excerpt: 'o => (' },
  }
  assert.throws(() => revive(broken as ShippedLambda, env), { code: 'LAMBDA_CAPTURE', detail: 'cell-1.ts:1:1' })
})
