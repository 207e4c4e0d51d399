/**
 * Finds a package's file by its `exports`, without Node's memory of packages that were missing once: after `%install` the
 * next import has to succeed in the same process.
 */
import { readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

interface Manifest {
  readonly exports?: unknown
  readonly main?: unknown
}

const conditions = new Set(['node', 'import', 'module-sync', 'default'])

/** Absolute path, or undefined when the package or the subpath is not there. */
export function resolvePackage(specifier: string, folder: string): string | undefined {
  const parts = specifier.split('/')
  const name = parts.splice(0, specifier.startsWith('@') ? 2 : 1).join('/')
  const subpath = ['.', ...parts].join('/')
  for (let at = folder; ; at = dirname(at)) {
    const root = join(at, 'node_modules', name)
    const manifest = read(join(root, 'package.json'))
    if (manifest !== undefined) return entryOf(manifest, subpath, root)
    if (at === dirname(at)) return undefined
  }
}

function read(path: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Manifest
  } catch {
    return undefined
  }
}

function entryOf(manifest: Manifest, subpath: string, root: string): string | undefined {
  if (manifest.exports !== undefined && manifest.exports !== null) {
    const target = exportOf(manifest.exports, subpath)
    return target === undefined ? undefined : join(root, target)
  }
  const main = typeof manifest.main === 'string' ? manifest.main : 'index.js'
  const wanted = subpath === '.' ? main : subpath
  return [wanted, `${wanted}.js`, `${wanted}/index.js`].map(each => join(root, each)).find(isFile)
}

function exportOf(exports: unknown, subpath: string): string | undefined {
  const keyed = typeof exports === 'object' && exports !== null && Object.keys(exports).some(key => key.startsWith('.'))
  const table = keyed ? (exports as Record<string, unknown>) : { '.': exports }
  if (subpath in table) return targetOf(table[subpath], '')
  for (const [pattern, target] of Object.entries(table)) {
    const [before, after] = pattern.split('*')
    if (before === undefined || after === undefined) continue
    if (subpath.startsWith(before) && subpath.endsWith(after) && subpath.length >= pattern.length - 1) {
      return targetOf(target, subpath.slice(before.length, subpath.length - after.length))
    }
  }
  return undefined
}

function targetOf(target: unknown, star: string): string | undefined {
  if (typeof target === 'string') return target.replaceAll('*', star)
  if (Array.isArray(target)) return target.map(each => targetOf(each, star)).find(each => each !== undefined)
  if (typeof target !== 'object' || target === null) return undefined
  for (const [condition, each] of Object.entries(target)) {
    const found = conditions.has(condition) ? targetOf(each, star) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    return false
  }
}
