/** Lambdas as a notebook types them: real cells, shipped by the cells process, run by the engine. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { EngineNotice } from '../../kernel/engine/protocol.ts'
import { startCells } from './cells-process.ts'
import type { CellsProcess } from './cells-process.ts'
import { startEngine, until } from './hosted.ts'
import type { HostedEngine } from './hosted.ts'

const root = mkdtempSync(join(tmpdir(), 'riffle-cells-'))
after(() => rmSync(root, { recursive: true, force: true }))

let engine: HostedEngine
let cells: CellsProcess
before(async () => {
  const folder = mkdtempSync(join(root, 'each-'))
  writeFileSync(
    join(folder, 'rates.ts'),
    'export const rate: number = 1.5\nexport function twice(n: number) { return n * 2 }\n',
  )
  engine = await startEngine()
  cells = await startCells(engine, folder)
})
after(async () => {
  await cells.stop()
  await engine.stop()
})

/** Runs a cell whose last expression is awaited JSON. */
async function json(source: string): Promise<unknown> {
  const { error, result, output } = await cells.run(source)
  assert.equal(error, undefined, `${error?.ename}: ${error?.evalue}\n${error?.traceback.join('\n')}${output}`)
  return JSON.parse(
    JSON.parse(`"${(result ?? '').slice(1, -1).replaceAll('\\"', '"').replaceAll('"', '\\"')}"`) as string,
  )
}

const shipped: [name: string, define: string, lambda: string, expected: unknown][] = [
  ['a number', 'const k1 = 10', 'r => r.v + k1', [11, 12, 13]],
  ['text and a template', 'const k2 = "x"', 'r => `${k2}${r.v}`', ['x1', 'x2', 'x3']],
  ['plain data', 'const k3 = { deep: { list: [5, 6, 7] } }', 'r => k3.deep.list[r.v - 1]', [5, 6, 7]],
  ['a shorthand property', 'const k4 = 4', 'r => ({ k4, v: r.v })', [{ k4: 4, v: 1 }, { k4: 4, v: 2 }, { k4: 4, v: 3 }]],
  ['a Map', 'const k5 = new Map([[1, "one"]])', 'r => k5.get(r.v) ?? "many"', ['one', 'many', 'many']],
  ['a Set', 'const k6 = new Set([2])', 'r => k6.has(r.v)', [false, true, false]],
  ['a typed array', 'const k7 = new Float64Array([0.5, 1.5])', 'r => k7[r.v % 2]', [1.5, 0.5, 1.5]],
  ['a Date', 'const k8 = new Date(5)', 'r => k8.getTime() + r.v', [6, 7, 8]],
  ['a function of the notebook', 'const by = 3\nfunction grow(n: number): number { return n * by }', 'r => grow(r.v)', [3, 6, 9]],
  ['a recursive function', 'const fact = (n: number): number => n < 2 ? 1 : n * fact(n - 1)', 'r => fact(r.v)', [1, 2, 6]],
  ['mutual recursion', 'function even(n: number): boolean { return n === 0 || odd(n - 1) }\nfunction odd(n: number): boolean { return n !== 0 && even(n - 1) }', 'r => even(r.v)', [false, true, false]],
  ['a class', 'class Box { constructor(v: number) { this.v = v }\n v: number; get doubled() { return this.v * 2 } }', 'r => new Box(r.v).doubled', [2, 4, 6]],
  ['a subclass and an instance', 'class Base { n = 1; say() { return this.n } }\nclass Sub extends Base { override say() { return super.say() + 10 } }\nconst sub = new Sub()', 'r => sub.say() + r.v', [12, 13, 14]],
  ['an import by name', 'import { rate, twice } from "./rates.ts"', 'r => twice(r.v) * rate', [3, 6, 9]],
  ['a namespace import', 'import * as path from "node:path"', 'r => path.posix.join("a", String(r.v))', ['a/1', 'a/2', 'a/3']],
  ['names of the API', 'const k9 = 1', 'r => mean([r.v, r.v + k9], x => x)', [1.5, 2.5, 3.5]],
  ['a loop', 'const k10 = 3', 'r => { let s = 0; for (let i = 0; i < k10; i++) s += r.v; return s }', [3, 6, 9]],
  ['types in the lambda', 'const k11 = 2', '(r: { v: number }) => (r.v as number) * k11!', [2, 4, 6]],
] // prettier-ignore
for (const [name, define, lambda, expected] of shipped) {
  test(`a lambda with ${name} gives the same in the engine`, async () => {
    const source = `${define}\nJSON.stringify(await from([{ v: 1 }, { v: 2 }, { v: 3 }]).map(${lambda}).toArray())`
    assert.deepEqual(await json(source), expected)
  })
}

test('enclosing locals are captured with their values', async () => {
  const source = `function above(limit: number) { const add = (n: number) => n + limit; return (r: { v: number }) => add(r.v) }
JSON.stringify(await from([{ v: 1 }, { v: 2 }]).map(above(100)).toArray())`
  assert.deepEqual(await json(source), [101, 102])
})

test('a later assignment does not reach a running stream, the listing shows what it uses', async () => {
  await json('let threshold = 100; JSON.stringify(1)')
  await json('const f1 = feed<{ v: number }>(); JSON.stringify(1)')
  await json('const big = f1.filter(r => r.v > threshold); JSON.stringify(1)')
  await json('threshold = 0; await f1.push({ v: 50 }); await f1.push({ v: 150 }); await f1.end(); JSON.stringify(1)')
  assert.deepEqual(await json('const rows1 = []; for await (const r of big) rows1.push(r); JSON.stringify(rows1)'), [
    { v: 150 },
  ])
  const list = await engine.supervisor.call('list')
  assert.deepEqual(list.find(s => s.name === 'big')?.captures, [{ name: 'threshold', value: '100' }])
})

const refused: [name: string, define: string, lambda: string, message: RegExp][] = [
  ['an assignment', 'let total = 0', 'r => { total += r.v; return r }', /assigns to "total"/],
  ['an increment', 'let seen = 0', 'r => { seen++; return r }', /assigns to "seen"/],
  ['a socket', 'import { Socket } from "node:net"\nconst config = { client: { socket: new Socket() } }', 'r => config.client.socket.write(String(r))', /"config\.client\.socket" is an instance of Socket/],
  ['a promise', 'const later = { p: Promise.resolve(1) }', 'r => later.p', /"later\.p" is a promise/],
  ['a stream', 'const other = from([1])', 'r => other', /"other" is a stream/],
  ['a WeakMap', 'const cache = new WeakMap()', 'r => cache.get(r)', /"cache" is a WeakMap/],
  ['a symbol', 'const tag = Symbol("t")', 'r => tag', /"tag" is a symbol/],
  ['a bound function', 'const bound = ((n: number) => n).bind(null)', 'r => bound(r.v)', /"bound" is a function whose source is not known/],
  ['await', 'const z = 1', 'async r => r', /asynchronous/],
] // prettier-ignore
for (const [name, define, lambda, message] of refused) {
  test(`a lambda with ${name} is refused before the run, with the way out`, async () => {
    const { error } = await cells.run(`${define}\nawait from([{ v: 1 }]).map(${lambda}).toArray()`)
    assert.equal(error?.ename, 'StreamError')
    assert.match(error.evalue, message)
    const text = error.traceback.join('\n')
    assert.match(text, /cell-\d+\.ts:\d+:\d+/)
    assert.match(text, /\.forEach\(f\)/)
  })
}

test('a param typed in a cell is read live by its lambdas', async () => {
  await json("const least = param('least', 2, { min: 0, max: 9 }); const f2 = feed<{ v: number }>(); JSON.stringify(1)")
  await json('const atLeast = f2.filter(r => r.v >= least.value); JSON.stringify(1)')
  await json(
    'await f2.push({ v: 1 }); await f2.push({ v: 3 }); await least.set(4); await f2.push({ v: 3 }); await f2.push({ v: 5 }); JSON.stringify(least.value)',
  )
  const list = await until(async () => {
    const found = (await engine.supervisor.call('list')).find(s => s.name === 'atLeast')
    return found?.stats.recordCount === 4 ? found : undefined
  })
  assert.equal(list.stats.rowCount, 2)
})

test('an error of a lambda carries the line of the cell', async () => {
  const source = `const wrong = from([{ v: null as { w: number } | null }])
  .map(r =>
    r.v!.w)
JSON.stringify((await wrong.errors().toArray()).map(e => e.reason))`
  const [reason] = (await json(source)) as string[]
  assert.match(reason!, /TypeError.*\(cell-\d+\.ts:3:10\)/)
})

test('a lambda that never returns is told with its line in the cell that made it', async () => {
  await json(`const spin = from([{ v: 1 }])
  .map(r => { while (r.v > 0) {} return r })
JSON.stringify(1)`)
  type ErrorNotice = Extract<EngineNotice, { type: 'streamError' }>
  await json('void spin.first(); JSON.stringify(1)').catch(() => undefined)
  const { error, cellId } = await engine.notice(
    (n): n is ErrorNotice => n.type === 'streamError' && n.stream === 'spin',
  )
  assert.equal(error.code, 'LAMBDA_RUNAWAY')
  assert.match(error.detail ?? '', /^cell-\d+\.ts:2:8 /)
  assert.match(cellId, /^id-\d+$/)
})
