/** Types, completion, inspection and magics, as a client sees them. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { kernelOfFile, whileLooping } from './kernel-of-file.ts'

const kernel = await kernelOfFile()
const { client } = kernel

const complete = async (code: string, cursor = Array.from(code).length) =>
  (await client.ask('shell', 'complete_request', { code, cursor_pos: cursor })).content
const inspect = async (code: string, cursor = Array.from(code).length, detail = 0) =>
  (await client.ask('shell', 'inspect_request', { code, cursor_pos: cursor, detail_level: detail })).content

test('a type error is one output with code, line and caret, and nothing runs', async () => {
  const { reply, iopub } = await client.run('globalThis.touched = true\nconst size: number = "large"')
  const errors = iopub.filter(message => message.header.msg_type === 'error')
  assert.equal(errors.length, 1)
  assert.equal(reply.content['ename'], 'TypeScriptError')
  const text = plain(reply.content['traceback'].join('\n'))
  assert.match(text, /TS2322/)
  assert.match(text, /2 \| const size: number = "large"\n +\| {7}\^{4}/)
  const { reply: after } = await client.run('if ("touched" in globalThis) throw new Error("it ran")')
  assert.equal(after.content['status'], 'ok')
})

test('names of earlier cells keep their types, any redeclaration is fine', async () => {
  await client.run('const point = { x: 1, y: 2 }\nclass Box<T> { constructor(readonly value: T) {} }')
  assert.equal((await client.run('const wrong: string = point.x')).reply.content['ename'], 'TypeScriptError')
  assert.equal((await client.run('new Box(5).value.toFixed(1)')).reply.content['status'], 'ok')
  assert.equal((await client.run('let point = "now text"')).reply.content['status'], 'ok')
  assert.equal((await client.run('point.toUpperCase()')).reply.content['status'], 'ok')
  assert.equal(
    (await client.run('point = "assigned"; const unused = await Promise.resolve(1); unused')).reply.content['status'],
    'ok',
  )
})

test('%types off runs what does not check, %types warn says so and runs', async () => {
  await client.run('%types off')
  assert.equal((await client.run('const loose: number = "text"; loose')).reply.content['status'], 'ok')
  await client.run('%types warn')
  const { id, reply } = await client.run('const warned: number = "text"')
  assert.equal(reply.content['status'], 'ok')
  assert.match(plain(client.text(id, 'stderr')), /TS2322/)
  await client.run('%types on')
  assert.equal((await client.run('const strict: number = "text"')).reply.content['status'], 'error')
})

test('completion knows members, locals of the unsent cell and kinds, and counts code points', async () => {
  const members = await complete('[1, 2].fi')
  assert.ok(members['matches'].includes('filter'))
  assert.ok(members['matches'].includes('find'))
  assert.ok(members['matches'].every((match: string) => match.startsWith('fi')))
  assert.deepEqual([members['cursor_start'], members['cursor_end']], [7, 9])
  const local = await complete('const localName = 5\nlocalNa')
  assert.deepEqual(local['matches'], ['localName'])
  const emoji = await complete('const wave = "👋"; wave.toUp')
  assert.deepEqual(emoji['matches'], ['toUpperCase'])
  assert.deepEqual([emoji['cursor_start'], emoji['cursor_end']], [23, 27])
  const kinds = emoji['metadata']['_jupyter_types_experimental']
  assert.deepEqual(kinds, [{ text: 'toUpperCase', type: 'function', start: 23, end: 27 }])
})

test('the second level of inspection shows the value too, the first one the type alone', async () => {
  await client.run('const inspected = { wide: 7 }')
  const [brief, full] = [await inspect('inspected'), await inspect('inspected', 9, 1)]
  assert.match(brief['data']['text/plain'], /inspected: \{/)
  assert.doesNotMatch(brief['data']['text/plain'], /Value/)
  assert.match(full['data']['text/plain'], /inspected: \{[\s\S]*\n\nValue: \{ wide \}$/)
})

test('completion evaluates nothing', async () => {
  await client.run('let asked = 0\nconst trap = { get value() { asked += 1; return { deep: 1 } } }')
  assert.deepEqual((await complete('trap.value.de'))['matches'], ['deep'])
  const { iopub } = await client.run('asked')
  assert.equal(iopub.find(message => message.header.msg_type === 'execute_result')?.content['data']['text/plain'], '0')
})

test('completion answers while a cell loops', async () => {
  await whileLooping(client, async () => {
    assert.ok((await complete('Math.flo'))['matches'].includes('floor'))
  })
})

test('inspection gives signature and documentation, and admits ignorance', async () => {
  const known = await inspect('Math.max')
  assert.equal(known['found'], true)
  assert.match(known['data']['text/plain'], /max\(\.\.\.values: number\[\]\): number[\s\S]*larger/)
  assert.ok(known['data']['text/markdown'])
  const unknown = await inspect('nobodyDeclaredThis')
  assert.equal(unknown['found'], false)
  assert.deepEqual(unknown['data'], {})
})

const completeness: readonly (readonly [string, string])[] = [
  ['1 + 1', 'complete'],
  ['await fetch("x")', 'complete'],
  ['const wrong: number = "type errors are not syntax errors"', 'complete'],
  ['', 'complete'],
  ['function f() {', 'incomplete'],
  ['f(', 'incomplete'],
  ['[1,', 'incomplete'],
  ['`open template', 'incomplete'],
  ['`${inside', 'incomplete'],
  ['/* open comment', 'incomplete'],
  ['const x =', 'incomplete'],
  ['a =>', 'incomplete'],
  ['if (true)', 'incomplete'],
  ['x.', 'incomplete'],
  ['try {}', 'incomplete'],
  ['const = 7', 'invalid'],
  ["'open quote", 'invalid'],
  [')', 'invalid'],
  ['a b', 'invalid'],
]

for (const [code, status] of completeness) {
  test(`${JSON.stringify(code)} is ${status}`, async () => {
    const { content } = await client.ask('shell', 'is_complete_request', { code })
    assert.equal(content['status'], status)
    assert.equal(typeof content['indent'], status === 'incomplete' ? 'string' : 'undefined')
  })
}

test('an unknown magic is one UsageError with a caret, and nothing runs', async () => {
  const { reply, iopub } = await client.run('%topcs')
  assert.equal(reply.content['ename'], 'UsageError')
  assert.equal(iopub.filter(message => message.header.msg_type === 'error').length, 1)
  assert.match(reply.content['traceback'].join('\n'), /%topcs\n +\^+/)
})

test('%lsmagic shows the list, magic names complete', async () => {
  const { iopub } = await client.run('%lsmagic')
  assert.match(
    iopub.find(message => message.header.msg_type === 'display_data')?.content['data']['text/plain'],
    /%topics/,
  )
  assert.ok((await complete('%topi'))['matches'].some((match: string) => match.includes('topic')))
})

test('name? answers with a page', async () => {
  const { reply } = await client.run('%topics?')
  assert.equal(reply.content['payload'][0]?.source, 'page')
  assert.ok(reply.content['payload'][0]?.data['text/plain'].length > 20)
})

test('a topic is typed by its records, and its fields complete', async () => {
  assert.ok(
    (await complete("const typed = await topic('orders')\ntyped.filter(o => o.am"))['matches'].includes('amount'),
  )
})

test('a topic with a schema file is typed by the file, and typed anew when it was edited', async () => {
  const write = (field: string) =>
    writeFileSync(
      join(kernel.folder, 'shipment.avsc'),
      JSON.stringify({ type: 'record', name: 'Shipment', fields: [{ name: field, type: 'string' }] }),
    )
  write('carrier')
  const typed = "const typed = await topic('orders', { schema: 'shipment.avsc' })\ntyped.filter(o => o."
  const fields = (await complete(`${typed}car`))['matches']
  assert.ok(fields.includes('carrier'), String(fields))
  assert.ok(!(await complete(`${typed}am`))['matches'].includes('amount'))
  write('vessel')
  assert.ok((await complete(`${typed}ve`))['matches'].includes('vessel'))
  await client.run('%topic orders --schema shipment.avsc --as shipments')
  const { reply } = await client.run('%%filter shipments\no => o.carrier.length > 5')
  assert.equal(reply.content['ename'], 'TypeScriptError')
  const missing = (await client.run('%topic orders --schema none.avsc --as others')).reply.content
  assert.match(plain(missing['traceback'].join('\n')), /Cannot read schema file "none\.avsc": there is no such file/)
})

test('a module beside the notebook is typed, and typed anew when it was edited', async () => {
  const path = join(kernel.folder, 'rates.ts')
  writeFileSync(path, 'export const rate: number = 2')
  assert.equal((await client.run("import { rate } from './rates.ts'\nrate.toFixed(1)")).reply.content['status'], 'ok')
  assert.equal(
    (await client.run("import { rate } from './rates.ts'\nrate.toUpperCase()")).reply.content['ename'],
    'TypeScriptError',
  )
  writeFileSync(path, "export const rate: string = 'two'")
  const { iopub, reply } = await client.run("import { rate } from './rates.ts'\nrate.toUpperCase()")
  assert.equal(reply.content['status'], 'ok')
  assert.match(
    iopub.find(message => message.header.msg_type === 'execute_result')?.content['data']['text/plain'],
    /TWO/,
  )
})

test('a package in the folder of the notebook is found, one without types is any', async () => {
  const folder = join(kernel.folder, 'node_modules', 'untyped')
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'package.json'),
    '{ "name": "untyped", "version": "1.0.0", "type": "module", "exports": "./main.js" }',
  )
  writeFileSync(join(folder, 'main.js'), 'export const answer = 42')
  const { iopub, reply } = await client.run("import { answer } from 'untyped'\nanswer")
  assert.equal(reply.content['status'], 'ok')
  assert.equal(iopub.find(message => message.header.msg_type === 'execute_result')?.content['data']['text/plain'], '42')
})

test('fields complete in the body of a magic, and a wrong one is an error where it was typed', async () => {
  await client.run('%topic orders --from earliest')
  assert.ok((await complete('%%filter orders\no => o.am'))['matches'].includes('amount'))
  const { reply } = await client.run('%%filter orders\no => o.amunt > 5')
  assert.equal(reply.content['ename'], 'TypeScriptError')
  assert.match(plain(reply.content['traceback'].join('\n')), /2 \| o => o\.amunt > 5\n +\| {8}\^{5}/)
  assert.ok((await complete('%%window orders --tumbling 10s --by re'))['matches'].includes('region'))
})

test('a type server that dies is started again, with all it knew', async () => {
  await client.run('const survives = { deep: 1 }')
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).trim().split('\n')
  const server = rows
    .map(row => row.trim().split(/\s+/))
    .find(([, parent, ...args]) => Number(parent) === kernel.process.pid && args.includes('--lsp'))
  process.kill(Number(server?.[0]), 'SIGKILL')
  // The answer that was lost with it is empty; asked again, the new one answers.
  for (let matches: string[] = []; matches.length === 0;) matches = (await complete('survives.de'))['matches']
  assert.equal((await client.run('survives.deeper')).reply.content['ename'], 'TypeScriptError')
})

function plain(text: string): string {
  return stripVTControlCharacters(text)
}
