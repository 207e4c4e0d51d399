/** The kernel that Jupyter starts is JavaScript: the set-up's build, made anew here so that a test never sees an old one. */
import { buildSync } from 'esbuild'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
let main: string | undefined

export function kernelMain(): string {
  if (main !== undefined) return main
  const named = process.env['RIFFLE_KERNEL_MAIN']
  if (named !== undefined) return (main = named)
  const out = join(root, '.cache', `protocol-${process.pid}`)
  mkdirSync(out, { recursive: true })
  const names = ['kernel/main.ts', 'kernel/cells.ts', 'kernel/engine.ts'].filter(name => existsSync(join(root, name)))
  buildSync({
    entryPoints: names.map(name => join(root, name)),
    outdir: out,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
  })
  return (main = join(out, 'main.js'))
}
