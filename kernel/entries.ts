/**
 * The table of files that run as a process or thread of their own, and how to start one. From the bundles in `dist/` an entry
 * is JavaScript beside the others; from the sources (tests, scripts) it is the TypeScript file, run through tsx.
 */
import { existsSync } from 'node:fs'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleFolder, packageRoot } from './setup/places.ts'

/** Source files without `.ts`, below the root. The build makes `dist/<entry>.js` of each. */
export const entries = [
  'kernel/main',
  'kernel/cells',
  'kernel/engine',
  'kernel/cells/watcher',
  'kernel/engine/compute-worker',
  'kernel/cli',
  'stream/index',
  'stream/models/model-worker',
  'stream/training/training-worker',
] as const

export interface EntryPoint {
  readonly path: string
  /** Node flags the file needs; `[]` for a bundle. */
  readonly execArgv: readonly string[]
}

/** Where `entry` is and how to run it: bundle when we run from a bundle, source otherwise. */
export function entryPoint(entry: (typeof entries)[number]): EntryPoint {
  const bundle = join(bundleFolder, `${entry}.js`)
  const fromBundle = fileURLToPath(import.meta.url).startsWith(bundleFolder + sep)
  if (fromBundle && existsSync(bundle)) return { path: bundle, execArgv: [] }
  return { path: join(packageRoot, `${entry}.ts`), execArgv: ['--import', import.meta.resolve('tsx')] }
}
