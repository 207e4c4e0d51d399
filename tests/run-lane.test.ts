/** The lane runner must be able to fail: each kind of lane that proves nothing ends red. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { packageRoot } from '../kernel/setup/places.ts'
import { testFiles, lanes, type Lane } from './lanes.ts'
import { runLane } from './run-lane.ts'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'riffle-lanes-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function laneOf(files: Readonly<Record<string, string>>, limitMs = 30_000): Lane {
  for (const [name, body] of Object.entries(files))
    writeFileSync(join(folder, name), `import { test } from 'node:test'\n${body}`)
  const from = [relative(packageRoot, folder)]
  return { name: 'sample', from, needs: [], chromium: false, concurrency: 1, fileLimitMs: 10_000, limitMs }
}

test('a lane counts what passed and what failed', async () => {
  const lane = laneOf({
    'a.test.ts': "test('a', () => {})\ntest('b', () => { throw new Error('b') })",
    'b.test.ts': "test('c', () => {})",
  })
  assert.deepEqual(await runLane(lane), { name: 'sample', passed: 2, failed: 1 })
})

test('a lane without a test file fails', async () => {
  assert.deepEqual(await runLane(laneOf({ 'a.ts': '' })), { name: 'sample', passed: 0, failed: 1 })
})

test('a file without a test counts as failed', async () => {
  assert.deepEqual(await runLane(laneOf({ 'a.test.ts': 'export const none = test' })), {
    name: 'sample',
    passed: 0,
    failed: 1,
  })
})

test('a test that is skipped counts as failed', async () => {
  const lane = laneOf({ 'a.test.ts': "test('a', () => {})\ntest.skip('b', () => {})" })
  assert.deepEqual(await runLane(lane), { name: 'sample', passed: 1, failed: 1 })
})

test('a file that does not load counts as failed', async () => {
  const lane = laneOf({ 'a.test.ts': "test('a', () => {})", 'b.test.ts': "throw new Error('no')" })
  assert.deepEqual(await runLane(lane), { name: 'sample', passed: 1, failed: 1 })
})

test('a lane that hangs is ended at its limit and fails', async () => {
  const lane = laneOf(
    { 'a.test.ts': "test('a', async () => { await new Promise(() => setInterval(() => {}, 1000)) })" },
    2000,
  )
  const result = await runLane(lane)
  assert.ok(result.failed >= 1, `${result.failed} failed`)
})

test('every test file of the tree belongs to one lane', () => {
  const all = lanes.filter(lane => lane.node24 !== true).flatMap(testFiles)
  assert.deepEqual(
    all.filter((path, index) => all.indexOf(path) !== index),
    [],
  )
})
