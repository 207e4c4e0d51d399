/** Checkpoints on disk: whole or not there, and told when they are broken. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { checkpoint } from '../checkpoint.ts'
import type { StreamError } from '../errors.ts'
import type { PlanNode } from '../plan.ts'
import { planKeyOf } from './plan-key.ts'
import { CheckpointStore } from './store.ts'

const root = mkdtempSync(join(tmpdir(), 'checkpoints-'))
after(() => rmSync(root, { recursive: true }))
let folders = 0
const makeStore = () => new CheckpointStore(join(root, `folder-${folders++}`))
const bytes = Uint8Array.from([1, 2, 3, 250])

/** The newest checkpoint, and what was told of those that cannot be read. */
async function newest(store: CheckpointStore, name: string) {
  const told: StreamError[] = []
  const found = await store.newest(name, error => told.push(error))
  return { found, told: told.map(({ code, message }) => [code, message]) }
}

test('a checkpoint comes back as it was written, bigint and all, under any name', async () => {
  const store = makeStore()
  assert.deepEqual(await newest(store, 'a/b ü.c'), { found: undefined, told: [] })
  await store.write('a/b ü.c', 7, { meta: { at: 12n, of: 'x' }, bytes })
  const { found } = await newest(store, 'a/b ü.c')
  assert.deepEqual(found, { number: 7, meta: { at: 12n, of: 'x' }, bytes: Buffer.from(bytes) })
  // "a/b ü" is another name, and no file lies outside of the folder.
  assert.deepEqual(await store.numbers('a/b ü'), [])
  assert.deepEqual(readdirSync(store.folder), ['a%2Fb%20%C3%BC%2Ec.7.checkpoint'])
})

test('a folder that is no path is told', async () => {
  for (const [folder, shown] of [
    [5, '5'],
    ['', '""'],
    [['a'], 'an array'],
  ] as const) {
    await assert.rejects(checkpoint('1s', { folder: folder as string }), {
      code: 'OPTION_INVALID',
      message: `Cannot keep checkpoints in ${shown}: the path of a folder is needed`,
    })
  }
})

test('the two newest are kept and nothing is left of the writing', async () => {
  const store = makeStore()
  for (const number of [8, 9, 10, 11]) await store.write('s', number, { meta: number, bytes })
  await store.write('other', 1, { meta: 0, bytes })
  assert.deepEqual(await store.numbers('s'), [11, 10])
  assert.deepEqual(readdirSync(store.folder).sort(), ['other.1.checkpoint', 's.10.checkpoint', 's.11.checkpoint'])
  await store.remove('s')
  assert.deepEqual(readdirSync(store.folder), ['other.1.checkpoint'])
})

test('numbers somebody else counted to do not push out what is written now', async () => {
  const store = makeStore()
  for (const number of [9, 10, 1, 2]) await store.write('s', number, { meta: number, bytes })
  assert.deepEqual(await store.numbers('s'), [2, 1])
})

test('a broken checkpoint is told, with what is wrong, and the one before it is taken', async () => {
  const breaks: [(path: string) => void, RegExp][] = [
    [
      path => truncateSync(path, 100),
      /^Cannot read checkpoint "s\.2\.checkpoint": it has 100 bytes where \d+ were written$/,
    ],
    [path => truncateSync(path, 0), /: it is empty$/],
    [path => writeFileSync(path, 'x'.repeat(300)), /: it does not begin like a checkpoint$/],
    [path => change(path, 8, 2), /: it is of version 2, this Riffle reads version 1$/],
    [path => change(path, 30, 255), /: its checksum does not match: bytes were changed$/],
  ]
  for (const [breakIt, expected] of breaks) {
    const store = makeStore()
    await store.write('s', 1, { meta: 'first', bytes })
    await store.write('s', 2, { meta: 'second, which is a little longer '.repeat(3), bytes })
    breakIt(join(store.folder, 's.2.checkpoint'))
    const { found, told } = await newest(store, 's')
    assert.equal(found?.number, 1)
    assert.equal(told.length, 1)
    assert.equal(told[0]![0], 'CHECKPOINT_INVALID')
    assert.match(told[0]![1]!, expected)
    await assert.rejects(store.read('s', 2), { code: 'CHECKPOINT_INVALID' })
  }
})

test('equal plans have equal keys wherever their lambdas stand; another text or value makes another', () => {
  const plan = (text: string, least: number, line: number): PlanNode => ({
    op: 'filter',
    input: { op: 'topic', connection: 'embedded', topic: 't', options: {} },
    f: {
      kind: 'lambda',
      text,
      captures: { least: { kind: 'value', value: least } },
      site: { cell: `cell-${line}.ts`, line, column: 1, excerpt: text },
    },
  })
  const key = planKeyOf(plan('r => r.v > least', 1, 1))
  assert.equal(planKeyOf(plan('r => r.v > least', 1, 9)), key)
  assert.notEqual(planKeyOf(plan('r => r.v >= least', 1, 1)), key)
  assert.notEqual(planKeyOf(plan('r => r.v > least', 2, 1)), key)
})

function change(path: string, at: number, value: number): void {
  const file = readFileSync(path)
  file[at] = value
  writeFileSync(path, file)
}
