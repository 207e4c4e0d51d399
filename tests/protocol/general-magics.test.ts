/** The general magics as a client sees them: each does what its help says, and its option makes a difference. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { kernelOfFile } from './kernel-of-file.ts'

const kernel = await kernelOfFile()
const { client } = kernel

async function run(code: string): Promise<{ text: string; result: unknown; errors: string; status: unknown }> {
  const { id, reply, iopub } = await client.run(code)
  const result = iopub.find(one => one.header.msg_type === 'execute_result')?.content['data']['text/plain'] as unknown
  const traceback = (reply.content['traceback'] ?? []) as string[]
  return { text: client.text(id), result, errors: traceback.join('\n'), status: reply.content['status'] }
}

test('%timeit tells mean, spread and loops, sees the variables of the notebook, and awaits', async () => {
  await run('const text = JSON.stringify({ a: [1, 2, 3] })')
  const TOLD =
    /^[\d.]+ (?:ns|µs|ms|s) ± [\d.e-]+ (?:ns|µs|ms|s) per loop \(mean ± std\. dev\. of 7 runs, [\d,]+ loops? each\)\n$/
  assert.match((await run('%timeit JSON.parse(text)')).text, TOLD)
  const awaited = (await run('%timeit await new Promise(done => setTimeout(done, 20))')).text
  assert.match(awaited, /^2\d(?:\.\d)? ms ± /)
  assert.match((await run('%timeit 1 +')).errors, /The expression does not parse/)
})

test('%reset forgets the named variable, or all of them, and their types', async () => {
  await run('const alpha = 1, beta = 2')
  await run('%reset alpha')
  assert.equal((await run('alpha')).status, 'error')
  assert.equal((await run('beta')).result, '2')
  await run('%reset')
  assert.equal((await run('typeof (globalThis as Record<string, unknown>)["beta"]')).result, "'undefined'")
  assert.match((await run('beta')).errors, /beta/)
  assert.equal((await run('const beta: string = "anew"; beta')).result, "'anew'")
  assert.match((await run('%reset nowhere')).errors, /There is no variable nowhere/)
})

test('a stream that %reset has forgotten goes on and is found by its name', async () => {
  await run('%topic orders')
  await run('%reset orders')
  assert.equal((await run('stream("orders").name')).result, "'orders'")
})

test('%run runs a TypeScript file: what it declares is there, with its types, and its errors point into it', async () => {
  writeFileSync(
    join(kernel.folder, 'helpers.ts'),
    'const rate: number = 3\nexport function times(n: number): number {\n  return n * rate\n}\nconsole.log("helpers ran")',
  )
  const ran = await run('%run helpers.ts')
  assert.equal(ran.text, 'helpers ran\n')
  assert.equal((await run('times(7)')).result, '21')
  assert.match((await run('times("7")')).errors, /TS2345/)
  writeFileSync(join(kernel.folder, 'broken.ts'), 'const fine = 1\n\nthrow new Error("in the file")')
  assert.match((await run('%run broken.ts')).errors, /in the file[\s\S]*broken\.ts:3:7/)
  assert.equal((await run('fine')).result, '1')
  assert.match((await run('%run missing.ts')).errors, /there is no such file/)
  assert.match((await run('%run picture.png')).errors, /neither TypeScript nor a notebook/)
})

test('%run runs the code cells of a notebook, magics too', async () => {
  const cell = (source: string) => ({
    cell_type: 'code',
    id: source.slice(0, 8),
    metadata: {},
    source,
    outputs: [],
    execution_count: null,
  })
  const cells = [
    cell('const fromNotebook = 40'),
    cell('%%writefile made.txt\nby a magic'),
    cell('const sum2 = fromNotebook + 2'),
  ]
  writeFileSync(
    join(kernel.folder, 'other.ipynb'),
    JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 }),
  )
  assert.equal((await run('%run other.ipynb')).status, 'ok')
  assert.equal((await run('sum2')).result, '42')
  assert.equal((await run('require("node:fs").readFileSync("made.txt", "utf8").trim()')).result, "'by a magic'")
})

test('%time, %env, %cd, %who and %history', async () => {
  assert.match((await run('%time await new Promise(done => setTimeout(done, 5))')).text, /^time: [\d.]+m?s\n$/)
  await run('%env RIFFLE_TEST_VARIABLE on')
  assert.equal((await run('process.env["RIFFLE_TEST_VARIABLE"]')).result, "'on'")
  assert.equal((await run('%env RIFFLE_TEST_VARIABLE')).text, 'RIFFLE_TEST_VARIABLE is set\n')
  const before = (await run('%cd')).text
  assert.notEqual((await run('%cd ..')).text, before)
  await run(`%cd ${JSON.stringify(kernel.folder)}`)
  await run('const listed = 1')
  assert.match((await run('%who')).text, /listed/)
  assert.match((await run('%history')).text, /const listed = 1\n/)
})

test('%%bash, %%writefile, %%html and %%markdown', async () => {
  assert.equal((await run('%%bash\nprintf "a\\nb\\n" | tail -1')).text, 'b\n')
  assert.match((await run('%%bash\nexit 3')).errors, /bash ended with 3/)
  const { iopub } = await client.run('%%html\n<b>bold</b>')
  const shown = iopub.find(one => one.header.msg_type === 'display_data')
  assert.equal(shown?.content['data']['text/html'].trim(), '<b>bold</b>')
  const markdown = (await client.run('%%markdown\n*text*')).iopub.find(one => one.header.msg_type === 'display_data')
  assert.equal(markdown?.content['data']['text/markdown'].trim(), '*text*')
})
