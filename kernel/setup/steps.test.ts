import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { cacheFolder } from './places.ts'
import { runStep, type Step } from './steps.ts'

let folder: string
let runs: number
let step: Step

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'riffle-steps-'))
  runs = 0
  writeFileSync(join(folder, 'input'), 'one')
  step = {
    name: `test-${process.pid}`,
    title: 'a step',
    inputs: () => [join(folder, 'input')],
    outputs: () => [join(folder, 'output')],
    run: async () => {
      runs++
      writeFileSync(join(folder, 'output'), '')
    },
  }
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
  rmSync(join(cacheFolder, 'stamps', `test-${process.pid}`), { force: true })
})

const silent = () => undefined

test('a step runs once, and again when its input changed or its output is gone', async () => {
  await runStep(step, silent)
  await runStep(step, silent)
  assert.equal(runs, 1)
  writeFileSync(join(folder, 'input'), 'two')
  await runStep(step, silent)
  assert.equal(runs, 2)
  rmSync(join(folder, 'output'))
  await runStep(step, silent)
  assert.equal(runs, 3)
})

test('a step that failed runs again', async () => {
  const broken = { ...step, run: () => Promise.reject(new Error('no disk')) }
  let shown = ''
  await assert.rejects(
    runStep(broken, text => (shown += text)),
    /no disk/,
  )
  assert.equal(shown, 'a step ... failed\n')
  await runStep(step, silent)
  assert.equal(runs, 1)
})

test('a step that runs tells its seconds, one that does not says nothing', async () => {
  let shown = ''
  const write = (text: string) => (shown += text)
  await runStep(step, write)
  assert.match(shown, /^a step \.\.\. \d+\.\d s\n$/)
  shown = ''
  await runStep(step, write)
  assert.equal(shown, '')
})
