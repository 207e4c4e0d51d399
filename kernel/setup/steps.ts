/**
 * Idempotent steps: a step runs again only when the content of its inputs changed or an output is gone. The stamp of a step is
 * the hash of its inputs, written after it succeeded, so an interrupted step runs again.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { cacheFolder, packageRoot } from './places.ts'

export interface Step {
  readonly name: string
  /** Shown while it runs. */
  readonly title: string
  /** Files and folders whose content decides whether the step must run again. */
  readonly inputs: () => readonly string[]
  /** Anything else the result depends on, such as a version. */
  readonly salt?: (() => string | Promise<string>) | undefined
  /** Paths that must exist after the step. */
  readonly outputs: () => readonly string[]
  readonly run: () => Promise<void>
}

export interface StepReport {
  readonly name: string
  readonly ran: boolean
  readonly seconds: number
}

/** Runs `step` when it has to and tells so in one line. */
export async function runStep(step: Step, write: (text: string) => void): Promise<StepReport> {
  const began = performance.now()
  const stamp = await stampOf(step)
  const file = join(cacheFolder, 'stamps', step.name)
  const fresh =
    existsSync(file) && readFileSync(file, 'utf8') === stamp && step.outputs().every(path => existsSync(path))
  if (fresh) return { name: step.name, ran: false, seconds: (performance.now() - began) / 1000 }
  write(`${step.title} ... `)
  rmSync(file, { force: true })
  try {
    await step.run()
  } catch (error) {
    write('failed\n')
    throw error
  }
  mkdirSync(join(cacheFolder, 'stamps'), { recursive: true })
  writeFileSync(file, stamp)
  const seconds = (performance.now() - began) / 1000
  write(`${seconds.toFixed(1)} s\n`)
  return { name: step.name, ran: true, seconds }
}

async function stampOf(step: Step): Promise<string> {
  const hash = createHash('sha256')
  hash.update(`${await step.salt?.()}\n${process.version} ${process.platform} ${process.arch}\n`)
  for (const input of step.inputs()) {
    for (const file of filesUnder(input)) hash.update(`${relative(packageRoot, file)}\n`).update(readFileSync(file))
  }
  return hash.digest('hex')
}

const builtFolders = new Set(['node_modules', 'lib', 'labextension', '.cache', 'dist'])

function* filesUnder(path: string): Generator<string> {
  if (!existsSync(path)) return
  if (statSync(path).isFile()) return yield path
  for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.isDirectory() ? builtFolders.has(entry.name) : /\.test\.ts$|\.tsbuildinfo$/.test(entry.name)) continue
    yield* filesUnder(join(path, entry.name))
  }
}
