/** `riffle run` and `riffle export`, as a shell sees them. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { kernelMain } from './built.ts'

const folder = mkdtempSync(join(tmpdir(), 'riffle-headless-'))
after(() => rmSync(folder, { recursive: true, force: true }))

type Cell = readonly [source: string, tags?: readonly string[]] | { readonly markdown: string }

function notebook(name: string, ...cells: readonly Cell[]): string {
  const path = join(folder, `${name}.ipynb`)
  const made = cells.map((cell, at) =>
    'markdown' in cell
      ? { cell_type: 'markdown', id: `m${at}`, metadata: {}, source: cell.markdown }
      : {
          cell_type: 'code',
          id: `c${at}`,
          metadata: { tags: cell[1] ?? [] },
          source: cell[0],
          outputs: [],
          execution_count: null,
        },
  )
  writeFileSync(path, JSON.stringify({ cells: made, metadata: {}, nbformat: 4, nbformat_minor: 5 }))
  return path
}

interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

const program = async (path: string, args: readonly string[], cwd = folder): Promise<Ran> =>
  await new Promise(resolve =>
    execFile(
      process.execPath,
      [path, ...args],
      { cwd, timeout: 60_000, env: { ...process.env, RIFFLE_HISTORY: '' } },
      (error, stdout, stderr) => resolve({ status: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    ),
  )
const riffle = async (...args: readonly string[]): Promise<Ran> =>
  await program(join(dirname(await kernelMain()), 'cli.js'), args)

interface Saved {
  readonly cells: {
    id: string
    execution_count: number | null
    outputs: { output_type: string; text?: string[]; data?: Record<string, unknown>; ename?: string }[]
  }[]
}
const saved = (path: string): Saved => JSON.parse(readFileSync(path, 'utf8')) as Saved

test('riffle run prints what cells show, sets parameters, and writes the notebook with its outputs', async () => {
  const path = notebook(
    'run',
    ['const threshold = 1', ['parameters']],
    ['console.log(threshold, region); console.error("aside")'],
    ['threshold * 2'],
  )
  const out = join(folder, 'run.out.ipynb')
  const { status, stdout, stderr } = await riffle(
    'run',
    path,
    '--set',
    'threshold=21',
    '--set',
    'region=north',
    '--out',
    out,
  )
  assert.deepEqual([status, stdout], [0, '21 north\n42\n'])
  assert.match(stderr, /^aside$/m)
  const { cells } = saved(out)
  assert.deepEqual(
    cells.map(cell => cell.id),
    ['c0', 'injected-parameters', 'c1', 'c2'],
  )
  assert.deepEqual(cells[2]?.outputs[0], { output_type: 'stream', name: 'stdout', text: ['21 north\n'] })
  assert.deepEqual(cells[3]?.outputs[0]?.data, { 'text/plain': ['42'] })
  assert.deepEqual(
    cells.map(cell => cell.execution_count),
    [1, 2, 3, 4],
  )
})

test('a failing cell ends the run with its error and status 1; tagged raises-exception it does not', async () => {
  const out = join(folder, 'failing.out.ipynb')
  const failing = await riffle(
    'run',
    notebook('failing', ['console.log("before")'], ['throw new RangeError("too far")'], ['console.log("after")']),
    '--out',
    out,
  )
  assert.deepEqual([failing.status, failing.stdout], [1, 'before\n'])
  assert.match(failing.stderr, /RangeError.*too far[\s\S]*cell-2\.ts:1:7/)
  assert.deepEqual(
    saved(out).cells.map(cell => cell.outputs.map(one => one.ename ?? one.output_type)),
    [['stream'], ['RangeError'], []],
  )
  const expected = await riffle(
    'run',
    notebook('expected', ['throw new Error("planned")', ['raises-exception']], ['console.log("after")']),
  )
  assert.deepEqual([expected.status, expected.stdout], [0, 'after\n'])
})

test('streams go on for --for, and a chart is saved with rows', async () => {
  const path = notebook(
    'streams',
    ['%topic orders --from earliest;\n%%window orders --tumbling 10s --by region'],
    ['const began = Date.now(); process.on("exit", () => {})'],
  )
  const out = join(folder, 'streams.out.ipynb')
  const began = performance.now()
  const { status } = await riffle('run', path, '--for', '4s', '--out', out)
  assert.equal(status, 0)
  assert.ok(performance.now() - began > 4000)
  const chart = saved(out).cells[0]?.outputs.find(one => one.output_type === 'display_data')
  assert.match(String(chart?.data?.['text/plain']), /region[\s\S]*(?:east|north|south|west) +2026-01-01/)
})

test('what cannot be run is told in a line', async () => {
  const missing = await riffle('run', 'missing.ipynb')
  assert.equal(missing.status, 1)
  assert.match(
    missing.stderr,
    /^Cannot read notebook "[^"]*missing\.ipynb": there is no such file\nriffle run NOTEBOOK\.ipynb\n$/,
  )
  const set = await riffle('run', notebook('plain', ['1']), '--set', '1x=2')
  assert.match(set.stderr, /^Cannot set "1x=2": it is not of the form name=value/)
  assert.match((await riffle('run')).stderr, /^Cannot run without a notebook/)
  assert.match((await riffle('run', notebook('plain', ['1']), '--for', 'soon')).stderr, /--for/)
})

test('riffle export gives a program that runs by itself: redeclared names, imports, magics', async () => {
  const path = notebook(
    'export',
    { markdown: '# A title\nand text' },
    ["import { basename } from 'node:path'\nconst total = 1\nconsole.log('first', total, basename('/a/b'))"],
    ["import { basename } from 'node:path'\nconst total = `again ${basename('/c/d')}`\nconsole.log(total)"],
    ['%streams\n%who?'],
    ["const rows = from([{ at: 1, v: 2 }, { at: 2, v: 3 }], { time: 'at' })"],
    ['%%filter rows --as large\nr => r.v > 2'],
    ["console.log(JSON.stringify(await large.toArray()))\ndisplay('shown')"],
  )
  const out = join(folder, 'export.ts')
  assert.equal((await riffle('export', path, '--out', out)).status, 0)
  const text = readFileSync(out, 'utf8')
  assert.match(text, /^import \{ from \} from 'riffle-kernel'\nimport \{ basename \} from 'node:path'\n/)
  assert.match(text, /\/\/ # A title\n\/\/ and text\n/)
  assert.match(text, /\/\/ %streams \(only in a notebook\)/)
  assert.equal(text.match(/import \{ basename \}/g)?.length, 1)
  // The package as a user has it: in node_modules beside the program.
  const modules = join(folder, 'node_modules')
  const root = join(import.meta.dirname, '../..')
  mkdirSync(modules)
  symlinkSync(root, join(modules, 'riffle-kernel'))
  const tsx = join(root, 'node_modules/tsx/dist/cli.mjs')
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const ran = await program(tsx, [out])
  assert.deepEqual(
    [ran.status, ran.stdout],
    [0, 'first 1 b\nagain d\nrows → filter: 1 row\nat  v\n 2  3\n[{"at":2,"v":3}]\nshown\n'],
    ran.stderr,
  )
  const printed = await riffle('export', path)
  assert.equal(printed.stdout, text)
})

test('a cell that has a wrong header is told when it is exported', async () => {
  const { status, stderr } = await riffle('export', notebook('wrong', ['%%windw orders']))
  assert.equal(status, 1)
  assert.match(stderr, /There is no magic %%windw, did you mean %%window[\s\S]*\^{7}/)
})
