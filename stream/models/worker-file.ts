/**
 * Threads of this library: the file of one and how Node runs it, from the bundles of `dist/` as from the sources. Bundled code may lie
 * in a chunk, so the root is found, not counted.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { WorkerOptions } from 'node:worker_threads'

/** Source files without `.ts`, below the root. They are entries of the build. */
export type ThreadEntry = 'stream/models/model-worker' | 'stream/training/training-worker'

export function startThread(entry: ThreadEntry, options: WorkerOptions): Worker {
  const here = dirname(fileURLToPath(import.meta.url))
  const root = packageRoot(here)
  const bundle = join(root, 'dist', `${entry}.js`)
  if (here.startsWith(join(root, 'dist') + sep) && existsSync(bundle)) return new Worker(pathToFileURL(bundle), options)
  // Registering tsx in the thread itself: a flag of Node would reach a thread that was started from a bundle late.
  const source = pathToFileURL(join(root, `${entry}.ts`)).href
  const code = `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => { register(); return import(${JSON.stringify(source)}) })`
  return new Worker(code, { ...options, eval: true })
}

export function packageRoot(start: string): string {
  for (let folder = start; folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'package.json')
    if (existsSync(file) && /"name":\s*"riffle-kernel"/.test(readFileSync(file, 'utf8'))) return folder
  }
  return start
}
