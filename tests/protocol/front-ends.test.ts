/** Front ends that are no browser, as programs: jupyter console, papermill, nbconvert, and the way VS Code starts a kernel. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { Client, isStatus, startKernel } from './client.ts'
import { runPython } from './python-client.ts'

const folder = mkdtempSync(join(tmpdir(), 'riffle-front-ends-'))
after(() => rmSync(folder, { recursive: true, force: true }))

interface Saved {
  readonly cells: {
    readonly outputs: { readonly output_type: string; readonly text?: string | string[]; readonly ename?: string }[]
  }[]
}

function notebook(name: string, ...sources: readonly string[]): string {
  const path = join(folder, `${name}.ipynb`)
  const cells = sources.map((source, at) => ({
    cell_type: 'code',
    id: `c${at}`,
    metadata: {},
    source,
    outputs: [],
    execution_count: null,
  }))
  const metadata = { kernelspec: { name: 'riffle', display_name: 'Riffle (TypeScript)', language: 'typescript' } }
  writeFileSync(path, JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 5 }))
  return path
}

const saved = (path: string): Saved => JSON.parse(readFileSync(path, 'utf8')) as Saved

test('jupyter console shows prints, results and errors of what is typed', async () => {
  const typed = 'const a = 20\na + 1\nconsole.log("printed")\nthrow new Error("planned")\n'
  const { stdout, stderr } = await runPython(['console.py'], 90_000, {}, typed)
  const text = stripVTControlCharacters(stdout)
  assert.match(text, /Riffle [\d.]+ – TypeScript and streams/, stderr)
  assert.match(text, /In \[2\]: Out\[2\]: 21/)
  assert.match(text, /In \[3\]: printed/)
  assert.match(
    stripVTControlCharacters(stderr),
    /Error: planned\n {2}1 \| throw new Error\("planned"\)[\s\S]*at cell-4\.ts:1:7/,
  )
})

test('papermill runs a notebook and saves it; a failing cell fails it and is saved too', async () => {
  const out = join(folder, 'paper.out.ipynb')
  const good = await runPython(
    ['-m', 'papermill', notebook('paper', 'console.log("by papermill")', '6 * 7'), out],
    90_000,
  )
  assert.equal(good.status, 0, good.stderr)
  assert.deepEqual(
    saved(out).cells.map(cell => (cell.outputs ?? []).map(one => one.output_type)),
    [['stream'], ['execute_result']],
  )
  const failing = notebook('failing', 'throw new RangeError("too far")', 'console.log("never")')
  const bad = await runPython(['-m', 'papermill', failing, out], 90_000)
  assert.equal(bad.status, 1)
  assert.match(bad.stderr, /RangeError[\s\S]*too far/)
  assert.ok(saved(out).cells.some(cell => cell.outputs?.some(one => one.ename === 'RangeError')))
})

test('nbconvert executes a notebook, and exports one as a .ts file that runs', async () => {
  const path = notebook(
    'convert',
    "import { basename } from 'node:path'\nconst name: string = basename('/a/wave')",
    'console.log(`the ${name}`)',
    'console.log(await Promise.resolve(6 * 7))',
  )
  const executed = await runPython(
    ['-m', 'nbconvert', '--execute', '--to', 'notebook', '--output', 'executed', path],
    90_000,
  )
  assert.equal(executed.status, 0, executed.stderr)
  assert.deepEqual(
    saved(join(folder, 'executed.ipynb')).cells.map(cell => [cell.outputs?.[0]?.text ?? []].flat().join('')),
    ['', 'the wave\n', '42\n'],
  )
  // language_info of the executed notebook says which file it becomes.
  const exported = await runPython(['-m', 'nbconvert', '--to', 'script', join(folder, 'executed.ipynb')], 90_000)
  assert.equal(exported.status, 0, exported.stderr)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const tsx = join(import.meta.dirname, '../../node_modules/tsx/dist/cli.mjs')
  const ran = await new Promise<string>((resolve, reject) =>
    execFile(process.execPath, [tsx, join(folder, 'executed.ts')], (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    ),
  )
  assert.equal(ran, 'the wave\n42\n')
})

test('nbclient saves all of 100,000 printed lines, in order', async () => {
  const { status, stdout, stderr } = await runPython(['printed_lines.py', '100000'], 110_000)
  assert.equal(status, 0, stderr)
  const { lines, ordered } = JSON.parse(stdout) as { lines: number; ordered: boolean }
  assert.deepEqual({ lines, ordered }, { lines: 100_000, ordered: true })
})

test('VS Code asks on shell before it has subscribed: the first statuses wait for it', async () => {
  const kernel = await startKernel({ subscribed: false })
  try {
    // Its raw start: kernel_info at once, then the subscription, then a silent cell, then interrupt by message, at the end a signal.
    const info = kernel.client.send('shell', 'kernel_info_request', {})
    assert.equal((await kernel.client.reply(info)).content['status'], 'ok')
    kernel.client.subscribe()
    await kernel.client.idle(info)
    assert.ok(kernel.client.received.some(one => isStatus(one, 'starting')))
    const silent = await kernel.client.run('globalThis.vscode = true', { silent: true, store_history: false })
    assert.equal(silent.reply.content['status'], 'ok')
    const waiting = kernel.client.execute('console.log("in"); await new Promise(() => {})')
    await kernel.client.until(one => one.parent.msg_id === waiting && one.content['text'] === 'in\n')
    assert.equal((await kernel.client.ask('control', 'interrupt_request')).content['status'], 'ok')
    assert.equal((await kernel.client.reply(waiting)).content['ename'], 'Interrupted')
    // A second window of the same notebook.
    const other = new Client(kernel.ports, kernel.key)
    await other.until(one => one.header.msg_type === 'iopub_welcome')
    assert.equal((await other.run('1 + 1')).reply.content['status'], 'ok')
    other.close()
  } finally {
    await kernel.stop()
  }
})
