/**
 * Plants each fault of the table in a copy of the tree and demands that its suite turns red. A suite that is red without the fault
 * proves nothing, so each is first run on the clean copy.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync, existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { runCommand } from '../../kernel/setup/command.ts'
import { packageRoot } from '../../kernel/setup/places.ts'
import { SetupProblem } from '../../kernel/setup/problem.ts'
import { mutations, type Mutation } from './mutations.ts'

const leftOut = new Set(['node_modules', '.cache', '.git', 'dist', 'labextension'])
/** For a clean suite; a planted fault gets five times what the clean suite took, so that a hang is not waited for long. */
const cleanLimitMs = 240_000

type Outcome = 'caught' | 'hung' | 'SURVIVED' | 'SUITE RED BEFORE'

/** Plants the faults that hold one of `words`, or all, one after the other; prints a line for each and the closing line. */
export async function mutate(words: readonly string[] = []): Promise<{ passed: number; failed: number }> {
  const chosen = mutations.filter(
    each => words.length === 0 || words.some(word => each.name.includes(word) || each.file.includes(word)),
  )
  if (chosen.length === 0) throw new SetupProblem(`Cannot mutate: no fault of the table holds ${words.join(' or ')}`)
  const copy = copyTree()
  process.once('exit', () => rmSync(copy, { recursive: true, force: true }))
  const clean = new Map<string, number>()
  let failed = 0
  for (const mutation of chosen) {
    const began = performance.now()
    const outcome = await tryOne(copy, mutation, clean)
    if (outcome !== 'caught' && outcome !== 'hung') failed++
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    process.stdout.write(`${outcome.padEnd(16)} ${seconds.padStart(5)} s  ${mutation.name}  (${mutation.file})\n`)
  }
  const passed = chosen.length - failed
  process.stdout.write(`mutate: ${passed} passed, ${failed} failed\n`)
  return { passed, failed }
}

/** Everything but what is built or downloaded; packages are linked, since no fault is planted in them. */
function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'riffle-mutate-'))
  cpSync(packageRoot, copy, { recursive: true, filter: path => !leftOut.has(basename(path)) })
  for (const folder of ['node_modules', 'extension/node_modules']) {
    if (existsSync(join(packageRoot, folder))) symlinkSync(join(packageRoot, folder), join(copy, folder))
  }
  return copy
}

async function tryOne(copy: string, mutation: Mutation, clean: Map<string, number>): Promise<Outcome> {
  const suite = mutation.suite.join(' ')
  const cleanMs = clean.get(suite) ?? (await cleanTimeMs(copy, mutation.suite))
  clean.set(suite, cleanMs)
  if (Number.isNaN(cleanMs)) return 'SUITE RED BEFORE'
  const path = join(copy, mutation.file)
  const text = readFileSync(path, 'utf8')
  const times = text.split(mutation.find).length - 1
  if (times !== 1)
    throw new SetupProblem(`Cannot plant "${mutation.name}": its text occurs ${times} times in ${relative(copy, path)}`)
  writeFileSync(
    path,
    text.replace(mutation.find, () => mutation.replace),
  )
  try {
    const status = await runSuite(copy, mutation.suite, Math.max(30_000, cleanMs * 5))
    return status === 0 ? 'SURVIVED' : status === 124 ? 'hung' : 'caught'
  } finally {
    writeFileSync(path, text)
  }
}

/** How long the suite takes without a fault; NaN when it is red. */
async function cleanTimeMs(copy: string, suite: readonly string[]): Promise<number> {
  const began = performance.now()
  return (await runSuite(copy, suite, cleanLimitMs)) === 0 ? performance.now() - began : Number.NaN
}

async function runSuite(copy: string, suite: readonly string[], limitMs: number): Promise<number> {
  const args = ['--import', 'tsx', '--test', ...suite]
  // What a lane has built is not the copy's.
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, RIFFLE_KERNEL_MAIN: undefined }
  return (await runCommand(process.execPath, args, { cwd: copy, env, limitMs, group: true })).status
}
