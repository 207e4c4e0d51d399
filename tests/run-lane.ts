/** Runs one lane to its closing line `NAME: N passed, N failed`. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureChromium } from '../kernel/setup/chromium.ts'
import { ensureNode24 } from '../kernel/setup/node-24.ts'
import { bundleFolder, packageRoot } from '../kernel/setup/places.ts'
import { SetupProblem } from '../kernel/setup/problem.ts'
import { ensureSetup } from '../kernel/setup/setup.ts'
import { testFiles, type Lane } from './lanes.ts'

export interface LaneResult {
  readonly name: string
  readonly passed: number
  readonly failed: number
}

interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** Brings what the lane needs, runs its files (or only those whose path holds one of `only`), prints failures and the closing line. */
export async function runLane(lane: Lane, only: readonly string[] = []): Promise<LaneResult> {
  const began = performance.now()
  const files = testFiles(lane).filter(path => only.length === 0 || only.some(part => path.includes(part)))
  const problem = files.length === 0 ? 'no test file was found' : await prepare(lane)
  const counts = problem === undefined ? await runFiles(lane, files) : { passed: 0, failed: 1, skipped: 0 }
  if (problem !== undefined) process.stdout.write(`${lane.name} cannot run: ${problem}\n`)
  // A lane without a test proves nothing, and neither does a test that did not run.
  const empty = counts.passed + counts.failed === 0 ? 1 : 0
  if (empty) process.stdout.write(`${lane.name} ran no test\n`)
  const result = { name: lane.name, passed: counts.passed, failed: counts.failed + counts.skipped + empty }
  process.stdout.write(
    `${lane.name} took ${((performance.now() - began) / 1000).toFixed(0)} s, ${files.length} files\n`,
  )
  process.stdout.write(`${lane.name}: ${result.passed} passed, ${result.failed} failed\n`)
  return result
}

async function prepare(lane: Lane): Promise<string | undefined> {
  try {
    await ensureSetup({ only: lane.needs })
    // Suites that start a kernel, an engine or cells by themselves take what was just built.
    if (lane.needs.includes('bundle')) process.env['RIFFLE_KERNEL_MAIN'] = join(bundleFolder, 'kernel/main.js')
    if (lane.node24 === true) await ensureNode24()
    if (lane.chromium) process.env['RIFFLE_CHROMIUM'] = await ensureChromium()
    return undefined
  } catch (error) {
    if (error instanceof SetupProblem) return error.message
    throw error
  }
}

async function runFiles(lane: Lane, files: readonly string[]): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'riffle-lane-'))
  const countsFile = join(folder, 'counts.json')
  const args = [
    '--import',
    'tsx',
    '--test',
    `--test-concurrency=${lane.concurrency}`,
    `--test-timeout=${lane.fileLimitMs}`,
  ]
  args.push(`--test-reporter=${join(packageRoot, 'tests/reporter.mjs')}`, '--test-reporter-destination=stdout')
  const program = lane.node24 === true ? await ensureNode24() : process.execPath
  const child = spawn(program, [...args, ...files], {
    cwd: packageRoot,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, RIFFLE_TEST_COUNTS: countsFile, NODE_TEST_CONTEXT: undefined },
    // A group of its own: at the hang limit the test files and what they started end together.
    detached: true,
  })
  const endGroup = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // Everything had ended.
    }
  }
  process.once('exit', endGroup)
  let hung = false
  const limit = setTimeout(() => {
    hung = true
    endGroup()
  }, lane.limitMs)
  const status = await new Promise<number>(resolve => child.on('close', code => resolve(code ?? 1)))
  clearTimeout(limit)
  endGroup()
  process.removeListener('exit', endGroup)
  const counts = existsSync(countsFile)
    ? (JSON.parse(readFileSync(countsFile, 'utf8')) as Counts)
    : { passed: 0, failed: 0, skipped: 0 }
  rmSync(folder, { recursive: true, force: true })
  if (hung) process.stdout.write(`${lane.name} was ended after ${lane.limitMs / 1000} s\n`)
  // The runner's own status catches what no test reports, such as a file that ends with an open exit code.
  const silentFailure = hung || (status !== 0 && counts.failed === 0) ? 1 : 0
  return { ...counts, failed: counts.failed + silentFailure }
}
