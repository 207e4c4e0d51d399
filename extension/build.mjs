/**
 * Builds the prebuilt extension with npm packages alone: types checked, our sources (with stream/charts) bundled to lib/,
 * then JupyterLab's own builder makes labextension/. Any number of runs give the same folder.
 *
 * esbuild goes first because the sources import `.ts` files, which this TypeScript cannot emit; what JupyterLab shares stays
 * an import, so that the builder binds it to the host's copy.
 */
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const folder = dirname(fileURLToPath(import.meta.url))
const { resolve } = createRequire(import.meta.url)

/** Runs a program of an npm package; its output appears only when it fails. */
function run(script, ...args) {
  try {
    execFileSync(process.execPath, [script, ...args], { cwd: folder, encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    process.stderr.write(`${error.stdout ?? ''}${error.stderr ?? ''}`)
    process.exit(1)
  }
}

for (const made of ['lib', 'labextension']) rmSync(join(folder, made), { recursive: true, force: true })
run(resolve('typescript/bin/tsc'), '-p', '.')
await build({
  absWorkingDir: folder,
  entryPoints: ['src/index.ts'],
  outdir: 'lib',
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  external: ['@jupyterlab/*', '@lumino/*', '@codemirror/*', 'vega', 'vega-lite', 'vega-interpreter'],
  logLevel: 'warning',
})
run(
  join(dirname(resolve('@jupyter/builder/package.json')), 'lib/build-labextension.js'),
  '--core-package-file',
  join(dirname(resolve('@jupyterlab/core-meta/package.json')), 'core.package.json'),
  '.',
)
