/** Hover and completion for what was declared in earlier cells, in the cell being typed, and in magics. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { kernelOfFile } from './kernel-of-file.ts'

const kernel = await kernelOfFile()
const { client } = kernel

const complete = async (code: string): Promise<string[]> =>
  (await client.ask('shell', 'complete_request', { code, cursor_pos: Array.from(code).length })).content[
    'matches'
  ] as string[]
const hover = async (code: string, at = code.length): Promise<string> =>
  ((await client.ask('shell', 'inspect_request', { code, cursor_pos: at, detail_level: 0 })).content['data'][
    'text/plain'
  ] ?? '') as string
const ok = async (code: string): Promise<void> => {
  const { reply } = await client.run(code)
  assert.equal(reply.content['status'], 'ok', String(reply.content['evalue']))
}

test('hover shows a variable, a function and a class of an earlier cell with its own words', async () => {
  await ok(
    '/** Half of it. */\nconst half = (n: number) => n / 2\n/** Twice as much. */\nfunction twice(n: number): number { return 2 * n }\n/** Where it is. */\nclass Place { constructor(public x = 0) {} }',
  )
  assert.match(await hover('half'), /const half: \(n: number\) => number[\s\S]*Half of it\./)
  assert.match(await hover('twice(2)', 3), /function twice\(n: number\): number[\s\S]*Twice as much\./)
  assert.match(await hover('new Place()', 6), /Place[\s\S]*Where it is\./)
  await ok('/** A third, now. */\nconst half = (n: number, by: number) => n / by')
  assert.match(await hover('half'), /const half: \(n: number, by: number\) => number[\s\S]*A third, now\./)
})

test('completion knows members of awaited values, unions of literals, keys of objects, import paths and locals', async () => {
  await ok(
    'const later = Promise.resolve({ deep: { answer: 42 } })\ntype Mode = "fast" | "slow"\nfunction set(options: { mode: Mode; level: number }) { return options }',
  )
  assert.deepEqual(await complete('(await later).deep.ans'), ['answer'])
  assert.deepEqual((await complete('set({ mode: "')).sort(), ['fast', 'slow'])
  assert.ok((await complete('set({ lev')).includes('level'))
  assert.deepEqual(await complete('function inner(first: string) {\n  const second = first\n  secon'), ['second'])
  writeFileSync(join(kernel.folder, 'beside.ts'), 'export const shared = 1')
  assert.ok((await complete("import { shared } from './bes")).some(match => match.includes('beside')))
})

test('topics, options and fields complete in headers', async () => {
  assert.ok((await complete('%topic ord')).some(match => match.includes('orders')))
  assert.ok((await complete('%topic orders --fr')).some(match => match.includes('--from')))
  await ok('%topic orders --from earliest')
  assert.ok((await complete('%%window orders --tumbling 10s --by reg')).includes('region'))
})

test('a feed that is called like a topic has its own fields', async () => {
  await ok("const clicks = feed<{ who: string; at: number }>({ time: 'at' })")
  const { reply } = await client.run('%%window clicks --tumbling 10s --by who --as byWho')
  assert.equal(reply.content['status'], 'ok', String(reply.content['evalue']))
})

test('JSON and ESM-only packages are imported, typed and loaded', async () => {
  writeFileSync(join(kernel.folder, 'rates.json'), '{ "vat": 0.2 }')
  await ok("import rates from './rates.json' with { type: 'json' }\nif (rates.vat !== 0.2) throw new Error('not read')")
  const folder = join(kernel.folder, 'node_modules', 'only-esm')
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'package.json'),
    '{ "name": "only-esm", "version": "1.0.0", "type": "module", "exports": { "import": "./main.js" } }',
  )
  writeFileSync(join(folder, 'main.js'), 'export const esm = true')
  await ok("import { esm } from 'only-esm'\nif (!esm) throw new Error('not loaded')")
})

test('an edited module is new with its importers at the next import', async () => {
  writeFileSync(join(kernel.folder, 'base.ts'), 'export const base = 1')
  writeFileSync(join(kernel.folder, 'upon.ts'), "import { base } from './base.ts'\nexport const upon = base * 10")
  await ok("import { upon } from './upon.ts'\nif (upon !== 10) throw new Error(String(upon))")
  writeFileSync(join(kernel.folder, 'base.ts'), 'export const base = 22')
  await ok("import { upon } from './upon.ts'\nif (upon !== 220) throw new Error(String(upon))")
})

const DECLARATIONS = [
  'const mixed = 1',
  'let mixed = "two"',
  'var mixed = [3]',
  'function mixed() { return 4 }',
  'class mixed {}',
  'enum mixed { five }',
  'import { basename as mixed } from "node:path"',
  'const { mixed } = { mixed: 8 }',
]

test('a name may be declared again as anything after anything', async () => {
  for (const first of DECLARATIONS)
    for (const second of DECLARATIONS) for (const code of [first, second]) await ok(code)
})

test('for await, await using and labelled loops stand at the top of a cell', async () => {
  await ok(
    'async function* three() { yield 1; yield 2; yield 3 }\nlet total = 0\nfor await (const n of three()) total += n\nif (total !== 6) throw new Error(String(total))',
  )
  await ok(
    "const closed: string[] = []\n{\n  await using one = { [Symbol.asyncDispose]: async () => void closed.push('one') }\n  using two = { [Symbol.dispose]: () => void closed.push('two') }\n}\nif (closed.join() !== 'two,one') throw new Error(closed.join())",
  )
  await ok('outer: for (const a of [1, 2]) for await (const b of three()) { if (b === 2) continue outer; total += a }')
})

test('cause and errors of an AggregateError are shown, the frames are those of the cell', async () => {
  const { reply } = await client.run(
    "function inner() { throw new Error('deep') }\ntry { inner() } catch (cause) { throw new AggregateError([new RangeError('one'), new TypeError('two')], 'both', { cause }) }",
  )
  const text = (reply.content['traceback'] as string[]).join('\n')
  assert.match(text, /AggregateError.*both/)
  assert.match(text, /\[cause\] Error: deep[\s\S]*at inner \(cell-\d+\.ts:1:26\)/)
  assert.match(text, /errors\[0\][\s\S]*RangeError: one[\s\S]*errors\[1\][\s\S]*TypeError: two/)
  assert.doesNotMatch(text, /node:internal|kernel\/cells|dist\//)
})
