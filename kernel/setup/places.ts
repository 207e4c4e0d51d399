/**
 * Where everything of one clone (or installed package) lies. Private things are under `.cache/` of the clone, so deleting that
 * folder undoes the set-up. Works from the sources and from the bundles in `dist/` alike: the root is found, not counted.
 */
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const packageRoot = findPackageRoot(dirname(fileURLToPath(import.meta.url)))
export const cacheFolder = join(packageRoot, '.cache')
export const bundleFolder = join(packageRoot, 'dist')
export const notebooksFolder = join(packageRoot, 'notebooks')
export const extensionFolder = join(packageRoot, 'extension')
export const labextensionFolder = join(extensionFolder, 'labextension')
export const extensionName = '@riffle/jupyterlab'
export const kernelName = 'riffle'

/** Downloads that several clones share (browser for the tests, server jars): never inside the clone. */
export function sharedCacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'riffle')
}

function findPackageRoot(start: string): string {
  for (let folder = start; folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'package.json')
    if (existsSync(file) && /"name":\s*"riffle-kernel"/.test(readFileSync(file, 'utf8'))) return folder
  }
  throw new Error(`Cannot find the folder of riffle-kernel above "${start}"`)
}
