/** The cells process as its supervisor meets it: outputs, errors, imports, late output. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Cells } from './child.ts'

let cells: Cells
before(async () => {
  cells = await Cells.start()
})
after(() => cells.stop())

function file(path: string, text: string): void {
  mkdirSync(join(cells.folder, path, '..'), { recursive: true })
  writeFileSync(join(cells.folder, path), text)
}

/** Traceback without colours. */
function plain(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/\u001b\[\d+m/g, '')
}

test('a result, output and names are told', async () => {
  const outcome = await cells.run(
    'const greeting: string = "hi"\nconsole.log(greeting)\nconsole.error("low")\ngreeting.length',
  )
  assert.equal(outcome.done.status, 'ok')
  assert.equal(outcome.stdout, 'hi\n')
  assert.equal(outcome.stderr, 'low\n')
  assert.equal(outcome.result, '2')
  assert.deepEqual(
    outcome.done.names.find(each => each.name === 'greeting'),
    { name: 'greeting', kind: 'value', cellId: 'c1', preview: '"hi"' },
  )
})

test('twenty thousand lines arrive in order before done', async () => {
  const { stdout } = await cells.run('for (let i = 0; i < 20_000; i++) console.log(i)')
  assert.equal(stdout, Array.from({ length: 20_000 }, (_, i) => `${i}\n`).join(''))
})

test('bytes and callbacks of process.stdout.write are kept', async () => {
  const { stdout } = await cells.run(
    'const bytes = Buffer.from("é")\nprocess.stdout.write(bytes.subarray(0, 1)); process.stdout.write(bytes.subarray(1))\nawait new Promise<void>(done => process.stdout.write("end", () => done()))',
  )
  assert.equal(stdout, 'éend')
})

test('an error shows the typed place, the cause and no kernel frame', async () => {
  const { error } = await cells.run(
    'function outer(): never {\n  throw new RangeError("too far", { cause: new TypeError("inner") })\n}\n\nouter()',
    { cellName: 'cell-x.ts' },
  )
  assert.equal(error.ename, 'RangeError')
  assert.equal(error.evalue, 'too far')
  assert.equal(
    plain(error.traceback),
    [
      'RangeError: too far',
      '  1 | function outer(): never {',
      '  2 |   throw new RangeError("too far", { cause: new TypeError("inner") })',
      '    |         ^',
      '    at outer (cell-x.ts:2:9)',
      '    at cell-x.ts:5:1',
      '  [cause] TypeError: inner',
      '      at outer (cell-x.ts:2:44)',
      '      at cell-x.ts:5:1',
    ].join('\n'),
  )
})

test('an error without a frame of the user points at the await', async () => {
  const { error } = await cells.run('import { readFile } from "node:fs/promises"\nawait readFile("/no/such/file")', {
    cellName: 'cell-y.ts',
  })
  assert.match(
    plain(error.traceback),
    /^Error: ENOENT.*\n.*\n {2}2 \| await readFile.*\n {4}\| \^\n {4}at async.* \(?cell-y\.ts:2:1\)?\n {2}code: ENOENT/,
  )
})

test('an error of an async function shows where the cell awaited it', async () => {
  const { error } = await cells.run(
    'async function late() {\n  await 1\n  throw new TypeError("later")\n}\n\nawait late()',
    {
      cellName: 'cell-a.ts',
    },
  )
  assert.match(plain(error.traceback), / {4}at late \(cell-a\.ts:3:9\)\n {4}at async cell-a\.ts:6:1$/)
  const after = await cells.run('await Promise.reject(1).catch(() => 0)\nthrow "text"')
  assert.equal(plain(after.error.traceback), 'Thrown: text')
})

test('endless recursion shows a few frames', async () => {
  const { error } = await cells.run('const deep = (): number => deep()\ndeep()', { cellName: 'cell-d.ts' })
  assert.equal(error.ename, 'RangeError')
  assert.match(error.traceback, /(at deep \(cell-d\.ts:1:28\)\n {4}){3}… 2[67] more$/)
})

test('several errors in one are all shown', async () => {
  const { error } = await cells.run('throw new AggregateError([new Error("one"), new RangeError("two")], "both")')
  assert.match(error.traceback, /\[errors\[0\]\] Error: one[^]*\[errors\[1\]\] RangeError: two/)
})

test('a syntax error has a caret at its place', async () => {
  const { error } = await cells.run('const ok = 1\nconst = 7', { cellName: 'cell-z.ts' })
  assert.equal(error.ename, 'SyntaxError')
  assert.match(error.traceback, /at cell-z\.ts:2:7\n {2}1 \| const ok = 1\n {2}2 \| const = 7\n {4}\| {7}\^$/)
})

test('a name in an error is the one the user typed', async () => {
  const { error } = await cells.run('const z = 3\nz()')
  assert.equal(error.evalue, 'z is not a function')
  const caught = await cells.run('let seen\ntry { z.a.b() } catch (e) { seen = [e.message, e.stack] }\nseen.join("|")')
  assert.doesNotMatch(String(caught.result), /\$/)
})

test('positions follow the spans of a magic', async () => {
  const typed = '%%filter orders\no => missing(o)'
  const source = 'const kept = [1].filter(o => missing(o))'
  const spans = [{ at: 24, length: 15, typedAt: 16, typedLength: 15, verbatim: true }]
  const { error } = await cells.run(source, { typed, spans, cellName: 'cell-m.ts' })
  assert.match(plain(error.traceback), /2 \| o => missing\(o\)\n {4}\| {6}\^/)
  assert.match(error.traceback, /cell-m\.ts:2:6/)
})

test('a thrown value that is no error is shown as it is', async () => {
  const { error } = await cells.run('throw { code: 7 }')
  assert.deepEqual([error.ename, error.evalue], ['Thrown', '{ code: 7 }'])
})

test('values that defend themselves are shown', async () => {
  const trap = '() => { throw new Error("trap") }'
  const { done, result } = await cells.run(`new Proxy({}, { get: ${trap}, ownKeys: ${trap}, getPrototypeOf: ${trap} })`)
  assert.equal(done.status, 'ok')
  assert.equal(typeof result, 'string')
  assert.equal(
    (await cells.run('const c = { n: 10n, m: new Map([[1, 2]]) }; c.self = c; c')).result,
    '<ref *1> { n: 10n, m: Map(1) { 1 => 2 }, self: [Circular *1] }',
  )
})

test('a bundle, a display method and rows are rich results', async () => {
  const rich = async (source: string): Promise<Record<string, unknown>> => {
    const { messages } = await cells.run(source)
    return messages.find(each => each.msgType === 'execute_result')?.content['data'] as Record<string, unknown>
  }
  assert.deepEqual(await rich('({ "text/html": "<b>x</b>", "application/json": { n: 1n } })'), {
    'text/html': '<b>x</b>',
    'application/json': { n: '1' },
    'text/plain': '[text/html, application/json]',
  })
  assert.deepEqual(await rich('({ async [Symbol.for("Jupyter.display")]() { return { "text/plain": "own" } } })'), {
    'text/plain': 'own',
  })
  assert.equal(
    (await rich('[{ a: 1, b: "<i>" }, { a: 2 }]'))['text/html'],
    '<table><thead><tr><th>a</th><th style="text-align:left">b</th></tr></thead><tbody><tr><td>1</td><td style="text-align:left">&#60;i&#62;</td></tr><tr><td>2</td><td style="text-align:left"></td></tr></tbody></table>',
  )
  const left = 'text-align:left'
  assert.equal(
    (await rich('[{ offset: 0n, at: new Date(0) }, { offset: null, at: "2026-01-01T09:10:01.713Z" }]'))['text/html'],
    `<table><thead><tr><th>offset</th><th style="${left}">at</th></tr></thead><tbody>` +
      `<tr><td>0</td><td style="${left};white-space:nowrap">1970-01-01T00:00:00.000Z</td></tr>` +
      `<tr><td>null</td><td style="${left};white-space:nowrap">2026-01-01T09:10:01.713Z</td></tr></tbody></table>`,
  )
})

test('display shows, updates and clears', async () => {
  const { messages } = await cells.run(
    'const h = display({ a: 1 }); h.update("next"); display.html("<i>x</i>"); display.clear({ wait: true })',
  )
  assert.deepEqual(
    messages.map(each => each.msgType),
    ['display_data', 'update_display_data', 'display_data', 'clear_output'],
  )
  const ids = messages.slice(0, 2).map(each => (each.content['transient'] as { display_id: string }).display_id)
  assert.equal(ids[0], ids[1])
  assert.deepEqual(messages[1]?.content['data'], { 'text/plain': "'next'" })
  assert.deepEqual(messages[3]?.content, { wait: true })
})

test('a display as last expression is shown once', async () => {
  const { messages } = await cells.run('display(1)')
  assert.deepEqual(
    messages.map(each => each.msgType),
    ['display_data'],
  )
})

test('an edited local module is new, and so is what imports it', async () => {
  file('lib/rate.ts', 'export const rate: number = 2\nexport interface Unused { a: 1 }')
  file(
    'lib/price.ts',
    'import { rate, type Unused } from "./rate.ts"\nexport const price = (n: number): number => n * rate\nexport let calls = 0\nexport function call() { calls++ }',
  )
  assert.equal((await cells.run('import { price, calls, call } from "./lib/price.ts"\nprice(10)')).result, '20')
  assert.equal((await cells.run('call(); call(); calls')).result, '2')
  assert.equal((await cells.run('import { calls as again } from "./lib/price.ts"\nagain')).result, '2')
  file('lib/rate.ts', 'export const rate: number = 30')
  assert.equal((await cells.run('import { price } from "./lib/price"\nprice(10)')).result, '300')
})

test('modules of every kind are imported', async () => {
  file(
    'node_modules/esm-only/package.json',
    '{"name":"esm-only","type":"module","exports":{".":{"import":"./main.js"}}}',
  )
  file('node_modules/esm-only/main.js', 'export const who = "esm"; export default 1')
  file('node_modules/old/package.json', '{"name":"old","main":"old.js"}')
  file('node_modules/old/old.js', 'exports.who = "cjs"')
  file('plain.cjs', 'module.exports = { kind: "cjs" }')
  file('typed.ts', 'enum Level { Low = 1 }\nexport { Level as default }\nexport * from "./more.js"\nawait 0')
  file('more.ts', 'export const more = import.meta.url.endsWith("/more.ts")')
  file('facts.json', '{ "n": 4 }')
  const { result } = await cells.run(
    [
      'import { who } from "esm-only"',
      'import old from "old"',
      'import { kind } from "./plain.cjs"',
      'import Level, { more } from "./typed.ts"',
      'import facts from "./facts.json"',
      'import * as os from "node:os"',
      'const lazy = await import("./facts.json")',
      'JSON.stringify([who, old.who, kind, Level.Low, more, facts.n, typeof os.cpus, lazy.default.n])',
    ].join('\n'),
  )
  assert.equal(result, `'["esm","cjs","cjs",1,true,4,"function",4]'`)
})

test('an edited CommonJS module is new', async () => {
  file('inner.cjs', 'module.exports = 1')
  file('outer.cjs', 'module.exports = { inner: require("./inner.cjs") }')
  assert.equal((await cells.run('import o1 from "./outer.cjs"\no1.inner')).result, '1')
  file('inner.cjs', 'module.exports = 22')
  assert.equal((await cells.run('import o2 from "./outer.cjs"\no2.inner')).result, '22')
})

test('modules that import each other are loaded', async () => {
  file('even.ts', 'import { odd } from "./odd.ts"\nexport const even = (n: number): boolean => n === 0 || odd(n - 1)')
  file('odd.ts', 'import { even } from "./even.ts"\nexport const odd = (n: number): boolean => n !== 0 && even(n - 1)')
  assert.equal((await cells.run('import { even } from "./even.ts"\neven(10)')).result, 'true')
})

test('a failing import says what is missing and where', async () => {
  const missing = await cells.run('const before = 1\nimport nothing from "not-installed"', { cellName: 'cell-i.ts' })
  assert.match(
    missing.error.evalue,
    /^Cannot find package "not-installed" from .*To install it: %install not-installed$/,
  )
  assert.match(missing.error.traceback, /cell-i\.ts:2:1/)
  const name = await cells.run('import { nope } from "node:fs"\nnope')
  assert.equal(name.error.evalue, 'The module "node:fs" does not provide an export named "nope"')
  file('broken.ts', 'export const ok = 1\nthrow new Error("while loading")')
  const broken = await cells.run('import { ok } from "./broken.ts"')
  assert.match(broken.error.traceback, /at broken\.ts:2:7/)
})

test('a package installed after a failed import is found', async () => {
  assert.equal((await cells.run('import "late-package"')).done.status, 'error')
  file('node_modules/late-package/package.json', '{"name":"late-package","exports":"./index.js","type":"module"}')
  file('node_modules/late-package/index.js', 'export const here = "now"')
  assert.equal((await cells.run('import { here } from "late-package"\nhere')).result, "'now'")
})

test('late output and late errors belong to their cell', async () => {
  const first = cells.begin(
    `let fired: () => void
const later = new Promise<void>(done => (fired = done))
setTimeout(() => {
  console.log("late")
  Promise.reject(new Error("rejected late"))
  fired()
  throw new TypeError("thrown late")
}, 1)
0`,
  )
  await cells.outcome(first)
  const second = await cells.run('await later; "second"')
  assert.equal(second.result, "'second'")
  assert.equal(second.stdout, '')
  assert.equal(cells.printed(first), 'late\n')
  const errors = (): string[] =>
    cells.seen
      .filter(each => each.type === 'message' && each.parentId === first && each.msgType === 'error')
      .map(each => (each.type === 'message' ? String(each.content['evalue']) : ''))
  await cells.until('both errors', () => errors().length === 2)
  assert.deepEqual(
    errors().toSorted((a, b) => a.localeCompare(b)),
    ['rejected late', 'thrown late'],
  )
})

test('input is asked for and answered', async () => {
  const id = cells.begin(
    'const name = await prompt("Name?", { password: true })\nconst sure = await confirm("Sure?")\n;[name, sure]',
  )
  const asked = (n: number) => (): boolean =>
    cells.seen.filter(each => each.type === 'inputRequest' && each.requestId === id).length === n
  await cells.until('the first question', asked(1))
  cells.send({ type: 'input', requestId: id, value: 'Ada' })
  await cells.until('the second question', asked(2))
  cells.send({ type: 'input', requestId: id, value: 'y' })
  assert.equal((await cells.outcome(id)).result, "[ 'Ada', true ]")
  assert.match(
    (await cells.run('await prompt("x")', { allowStdin: false })).error.evalue,
    /the frontend does not allow it/,
  )
})

test('comms of a target of the user go both ways', async () => {
  await cells.run(
    'comms.register("echo", (comm, data) => { comm.on("message", (m, buffers) => comm.send({ got: m, first: data }, buffers)) })',
  )
  cells.send({ type: 'comm', kind: 'open', commId: 'k1', targetName: 'echo', parentId: 'p1', content: { hello: 1 } })
  cells.send({
    type: 'comm',
    kind: 'msg',
    commId: 'k1',
    parentId: 'p2',
    content: { n: 2 },
    buffers: [new Uint8Array([7])],
  })
  const reply = (): unknown => cells.seen.find(each => each.type === 'comm' && each.kind === 'msg')
  await cells.until('the reply', () => reply() !== undefined)
  const got = reply() as { parentId: string; content: unknown; buffers: Uint8Array[] }
  assert.equal(got.parentId, 'p2')
  assert.deepEqual(got.content, { got: { n: 2 }, first: { hello: 1 } })
  assert.deepEqual([...(got.buffers[0] ?? [])], [7])
})

test('the notebook object asks the supervisor', async () => {
  const id = cells.begin('await notebook.types("off")')
  const call = (): { id: number; args: unknown } | undefined => cells.seen.find(each => each.type === 'call') as never
  await cells.until('the call', () => call() !== undefined)
  assert.deepEqual(call()?.args, ['off'])
  cells.send({ type: 'answer', id: call()?.id ?? 0, value: 'types off' })
  assert.equal((await cells.outcome(id)).result, "'types off'")
})

test('user expressions are answered one by one', async () => {
  const { done } = await cells.run('const ue = 4', { userExpressions: { good: 'ue * 2', bad: 'nothingHere' } })
  assert.deepEqual(done.userExpressions['good'], { status: 'ok', data: { 'text/plain': '8' }, metadata: {} })
  assert.equal((done.userExpressions['bad'] as { ename: string }).ename, 'ReferenceError')
})

test('a stream that reads the name it declares is refused before it runs', async () => {
  await cells.run(
    'const orders = { [Symbol.for("riffle.stream")]: true, async bindName() {}, filter() { console.log("ran") } }',
  )
  const { error, stdout } = await cells.run('const orders = orders.filter(o => o)')
  assert.equal(error.ename, 'StreamError')
  assert.match(error.traceback, /Hint: Give the new stream a name of its own/)
  assert.equal(stdout, '')
})

test('a declared stream is started under its name, a declared param shows its slider', async () => {
  const bound = await cells.run(
    'const made = { [Symbol.for("riffle.stream")]: true, async bindName(name, options) { console.log(name, JSON.stringify(options)) } }\nconsole.log("after")',
    { cellId: 'cell-a' },
  )
  assert.equal(bound.stdout, 'made {"cellId":"cell-a","listed":true}\nafter\n')
  const slider = await cells.run(
    'const t = { [Symbol.for("riffle.param")]: "t", [Symbol.for("Jupyter.display")]: () => ({ "text/plain": "slider" }) }\nt',
  )
  assert.deepEqual(
    slider.messages.map(each => [each.msgType, each.content['data']]),
    [['display_data', { 'text/plain': 'slider' }]],
  )
})

test('the stream API and Riffle are there without an import', async () => {
  assert.equal(
    (await cells.run('[typeof topic, typeof riffle.topic, typeof count, riffle.count === count].join()')).result,
    "'function,function,function,true'",
  )
  assert.equal(
    (await cells.run('import { topic as imported } from "riffle-kernel"\nimported === topic')).result,
    'true',
  )
})

test('process.exit in a cell flushes and ends the process with its code', async () => {
  const own = await Cells.start()
  try {
    const id = own.begin('for (let i = 0; i < 100; i++) console.log(i)\nprocess.exit(3)')
    assert.equal(await own.ended(), 3)
    await own.until('the last line', () => own.printed(id).endsWith('99\n'))
  } finally {
    await own.stop()
  }
})
