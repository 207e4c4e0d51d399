/** What magics stand for is TypeScript over the real API: every example compiles, and an error in a body points at the body. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import * as api from '../stream/index.ts'
import { API_NAMES, expandCell, MAGICS, type ExpandedCell } from './index.ts'
import { contextOf } from './testing.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
mkdirSync(join(root, '.cache'), { recursive: true })
const folder = mkdtempSync(join(root, '.cache', 'magics-types-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const NOTEBOOK = `
import type { NotebookApi } from '../../magics/define.ts'
declare global {
  var riffle: typeof import('../../stream/index.ts')
  var notebook: NotebookApi
  var normal: import('../../stream/index.ts').Model
  var limit: number
  var text: string
  var display: { (value: unknown): object; html(text: string): object; markdown(text: string): object }
}
declare module '../../stream/topic-types.ts' {
  interface TopicTypes { orders: import('./notebook.ts').Order }
}
export interface Order { orderId: string; region: string; amount: number; orderedAt: number }
export interface Payment extends Order { card: string }
export interface Click { userId: string; page: string; clickedAt: number }
export interface Reading { machineId: string; temp: number; vibration: number; anomaly: boolean; measuredAt: number }
export interface Revenue { region: string; windowStart: number; windowEnd: number; revenue: number; n: number }
`

/** Streams that an example finds in the notebook, unless it makes them itself. */
const STREAMS: Readonly<Record<string, string>> = {
  orders: 'Order',
  revenue: 'Revenue',
  payments: 'Payment',
  paid: 'Order',
  clicks: 'Click',
  sensors: 'Reading',
  scored: 'Reading',
}

interface Diagnostic {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly text: string
}

/** Compiles modules as a notebook's cells; each has the streams it does not declare above it, on one line. */
function compile(modules: Readonly<Record<string, string>>): Diagnostic[] {
  writeFileSync(join(folder, 'notebook.ts'), NOTEBOOK)
  const config = {
    extends: '../../tsconfig.json',
    compilerOptions: { paths: { 'riffle-kernel': ['../../stream/index.ts'] } },
    files: ['notebook.ts', ...Object.keys(modules)],
    include: [],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  for (const [name, source] of Object.entries(modules))
    writeFileSync(join(folder, name), `${prelude(source)}\n${source}\n`)
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const run = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
    encoding: 'utf8',
    timeout: 100_000,
  })
  assert.equal(run.error, undefined)
  const found = [...run.stdout.matchAll(/^(\S+?)\((\d+),(\d+)\): error (.*)$/gm)]
  assert.ok(run.status === 0 || found.length > 0, run.stdout + run.stderr)
  const diagnostics = found.map(([, file = '', line, column, text = '']) => ({
    file: file.split('/').at(-1) ?? file,
    line: Number(line) - 1,
    column: Number(column),
    text,
  }))
  // Errors of the library itself are for the check of the whole tree to tell.
  return diagnostics.filter(({ file }) => file === 'notebook.ts' || modules[file] !== undefined)
}

function prelude(source: string): string {
  const types =
    "import type { Stream } from '../../stream/stream.ts'; import type { Click, Order, Payment, Reading, Revenue } from './notebook.ts'"
  const missing = Object.entries(STREAMS).filter(([name]) => !new RegExp(`^const ${name}\\b`, 'm').test(source))
  return [types, ...missing.map(([name, row]) => `declare const ${name}: Stream<${row}>`), 'export {}'].join('; ')
}

const notebook = { names: Object.keys(STREAMS), streams: { revenue: ['region', 'revenue'] } }

test('every example of every magic compiles against the API, as the cell and as the text %desugar prints', () => {
  const modules: Record<string, string> = {}
  let count = 0
  for (const magic of MAGICS) {
    magic.examples.forEach((example, i) => {
      modules[`${magic.name}-${i}.ts`] = expandCell(example.text, contextOf(notebook)).source
      if (!example.text.startsWith('%desugar')) modules[`${magic.name}-${i}-desugar.ts`] = desugared(example.text)
      count++
    })
  }
  assert.ok(count >= 47, `${count} examples`)
  const errors = compile(modules).map(
    error => `${error.file}:${error.line}: ${error.text}\n${modules[error.file] ?? ''}`,
  )
  assert.deepEqual(errors, [])
})

test('what %desugar prints runs outside a notebook as it is', () => {
  const cell = [
    '%topic create shop --partitions 1',
    '%%produce shop',
    '{ "at": 1000, "amount": 5 }',
    '{ "at": 2000, "amount": 7 }',
    '{ "at": 12000, "amount": 1 }',
    '%topic shop --from earliest --time at --limit 3',
    '%%filter',
    'row => row.amount > 0',
    '%%window --tumbling 10s',
    "total: sum('amount'), n: count()",
  ].join('\n')
  const program = desugared(cell).replace("from 'riffle-kernel'", "from '../../stream/index.ts'")
  writeFileSync(join(folder, 'program.ts'), program)
  const run = spawnSync(process.execPath, ['--import', 'tsx', join(folder, 'program.ts')], {
    encoding: 'utf8',
    cwd: root,
    timeout: 60_000,
  })
  assert.equal(run.status, 0, `${program}\n${run.stderr}`)
  const rows = run.stdout
    .split('\n')
    .filter(line => /^ *\d/.test(line))
    .map(line => line.trim().split(/\s+/).slice(0, 4))
  assert.deepEqual(
    rows,
    [
      ['0', '10000', '12', '2'],
      ['10000', '20000', '1', '1'],
    ],
    run.stdout,
  )
})

/** The lines that `notebook.desugar([...])` is given. */
function desugared(cell: string): string {
  const { source } = expandCell(`%desugar\n${cell}`, contextOf(notebook))
  let text = ''
  runInNewContext(source.replace('await ', ''), { notebook: { desugar: (given: string) => (text = given) } })
  return text
}

test('a type error in a body, a field or an expression points at what was typed', () => {
  const cells: Readonly<Record<string, { readonly cell: string; readonly at: string }>> = {
    'body.ts': { cell: '%%filter orders\no => o.amuont > 0', at: 'amuont' },
    'aggregate.ts': { cell: "%%window orders --tumbling 10s\nrevenue: sum('amuont')", at: "'amuont'" },
    'field.ts': { cell: '%%window orders --tumbling 10s --by regoin', at: 'regoin' },
    'expression.ts': { cell: '%topic orders --limit {payments.nope}', at: 'nope' },
    'typescript.ts': { cell: "const wrong: number = 'text'\n%%filter orders\no => o.amount > wrong", at: 'wrong' },
  }
  const expansions = new Map<string, ExpandedCell>()
  for (const [name, { cell }] of Object.entries(cells)) expansions.set(name, expandCell(cell, contextOf(notebook)))
  const errors = compile(Object.fromEntries([...expansions].map(([name, { source }]) => [name, source])))
  for (const [name, { cell, at }] of Object.entries(cells)) {
    const first = errors.find(error => error.file === name)
    assert.ok(first !== undefined, `${name} compiles`)
    const expansion = expansions.get(name) as ExpandedCell
    const offset = offsetOf(expansion.source, first.line, first.column)
    const span = expansion.spans?.find(one => offset >= one.at && offset < one.at + one.length)
    assert.ok(span !== undefined, `${name}: ${first.text} at ${offset} is mapped`)
    const typedAt = span.verbatim ? span.typedAt + (offset - span.at) : span.typedAt
    assert.ok(
      cell.slice(typedAt).startsWith(at) || cell.slice(typedAt - 1).startsWith(at),
      `${name}: ${first.text} points at ${cell.slice(typedAt)}`,
    )
  }
})

function offsetOf(source: string, line: number, column: number): number {
  return (
    source
      .split('\n')
      .slice(0, line - 1)
      .reduce((sum, text) => sum + text.length + 1, 0) +
    column -
    1
  )
}

test('the names of the API are those that stream/index.ts exports', () => {
  const exported = Object.keys(api).filter(name => /^[a-z]/.test(name))
  assert.deepEqual([...API_NAMES], exported.sort(), 'set API_NAMES in magics/api-names.ts to the exported functions')
})
