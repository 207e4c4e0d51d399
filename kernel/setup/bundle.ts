/**
 * Builds the JavaScript that Jupyter starts: one bundle for each entry of the table, npm packages left outside (native parts and
 * their own file layout need that), and the types of the library for whoever imports `riffle-kernel`.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { entries } from '../entries.ts'
import { runCommand } from './command.ts'
import { bundleFolder, packageRoot } from './places.ts'
import { SetupProblem } from './problem.ts'
import type { Step } from './steps.ts'

const sources = ['kernel', 'magics', 'stream', 'package-lock.json', 'tsconfig.json', 'tsconfig.types.json'].map(path =>
  join(packageRoot, path),
)

export const bundleStep: Step = {
  name: 'bundle',
  title: 'kernel',
  inputs: () => sources,
  outputs: () => entries.map(entry => join(bundleFolder, `${entry}.js`)),
  run: async () => {
    await Promise.all([bundle(), declarations()])
  },
}

async function bundle(): Promise<void> {
  const { build } = await import('esbuild')
  const missing = entries.filter(entry => !existsSync(join(packageRoot, `${entry}.ts`)))
  if (missing.length > 0) throw new SetupProblem(`Cannot build the kernel: the clone has no ${missing.join(', ')}`)
  const { metafile } = await build({
    absWorkingDir: packageRoot,
    entryPoints: Object.fromEntries(entries.map(entry => [entry, `${entry}.ts`])),
    outdir: bundleFolder,
    outbase: packageRoot,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    // Entries share their modules as chunks: what a cell imports as riffle-kernel is the library the cells process runs itself.
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    sourcemap: 'linked',
    // Names of functions and classes show in users' stack traces.
    keepNames: true,
    logLevel: 'silent',
    metafile: true,
  }).catch((error: Error) => {
    throw new SetupProblem(`Cannot build the kernel: ${error.message.split('\n').slice(0, 2).join(' ')}`)
  })
  removeStaleChunks(Object.keys(metafile.outputs))
}

/** Old chunks go after the new ones are there, so that a kernel started meanwhile finds whole bundles. */
function removeStaleChunks(outputs: readonly string[]): void {
  const kept = new Set(outputs.map(path => basename(path)))
  const folder = join(bundleFolder, 'chunks')
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (!kept.has(name)) rmSync(join(folder, name), { force: true })
  }
}

/** `.d.ts` for the `exports` of package.json. */
async function declarations(): Promise<void> {
  const compiler = join(packageRoot, 'node_modules/typescript/bin/tsc')
  const done = await runCommand(process.execPath, [compiler, '-p', join(packageRoot, 'tsconfig.types.json')])
  if (done.status !== 0) throw new SetupProblem(`Cannot build the types: ${done.output.split('\n')[0] ?? ''}`)
}
