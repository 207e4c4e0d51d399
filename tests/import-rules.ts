/**
 * The rules that architecture.md's folder table sets, as data, and the finder that tells which a source file breaks. The test
 * `architecture.test.ts` runs it over the tree; the finder itself takes text, so that it can be shown a file that must fail.
 */
import { builtinModules } from 'node:module'
import { dirname, join, normalize } from 'node:path/posix'
import { parseSync } from 'oxc-parser'

export interface SourceFile {
  /** Below the root, with forward slashes. */
  readonly path: string
  readonly text: string
}

/** A folder, the folders it may import from besides itself, and npm packages that may appear in it only. */
interface FolderRule {
  readonly folder: string
  readonly may: readonly string[]
}

/** Who may import whom: the longest matching folder decides. Everything not listed fails. */
export const folderRules: readonly FolderRule[] = [
  { folder: 'kernel', may: ['magics', 'stream'] },
  { folder: 'magics', may: ['stream'] },
  { folder: 'stream', may: [] },
  { folder: 'extension', may: ['stream/charts', 'stream/model.ts', 'stream/errors.ts'] },
  { folder: 'notebooks', may: [] },
  { folder: 'tests', may: ['kernel', 'magics', 'stream', 'extension', 'benches'] },
  { folder: 'benches', may: ['kernel', 'magics', 'stream', 'extension', 'tests'] },
]

/** Inside `stream/`: pairs that must not meet. */
const strangers: readonly (readonly [from: string, to: string])[] = [
  ['stream/connectors', 'stream/schemas'],
  ['stream/schemas', 'stream/connectors'],
  ['stream/log', 'stream/schemas'],
  ['stream/operators', 'stream/connectors'],
  ['stream/operators', 'stream/charts'],
  ['stream/charts', 'stream/operators'],
  ['stream/charts', 'stream/connectors'],
  ['stream/time', 'stream/operators'],
]

/** Packages that only one place may name. Tests may use them as clients. */
const packageHomes: readonly (readonly [name: RegExp, ...homes: string[]])[] = [
  [/^kafkajs(\/|$)/, 'stream/connectors/'],
  [/^(snappyjs|lz4js|@bokuweb\/zstd-wasm)(\/|$)/, 'stream/connectors/'],
  [/^(avsc|protobufjs|ajv)(\/|$)/, 'stream/schemas/'],
  [/^hyparquet(-writer)?(\/|$)/, 'stream/sinks/'],
  [/^zeromq(\/|$)/, 'kernel/'],
  [/^(oxc-parser|magic-string)(\/|$)/, 'kernel/', 'magics/'],
  [/^(esbuild|typescript)(\/|$)/, 'kernel/'],
  // A lambda may name a local TypeScript module of the notebook, which the worker loads.
  [/^tsx(\/|$)/, 'kernel/', 'stream/lambdas/'],
  [/^@jupyterlab\//, 'extension/'],
  [/^@lumino\//, 'extension/'],
  [/^vega(-|\/|$)/, 'extension/'],
  [/^fflate$/, 'extension/'],
]

/** The wall clock and real timers, which only `stream/time/clock.ts` reads inside `stream/`. */
const wallClock =
  /\bDate\.now\(|\bperformance\.now\(|\bnew Date\(\)|(?<![.\w])set(Timeout|Interval)\(|\bprocess\.hrtime\b/

const forbiddenFolders = new Set(['src', 'lib', 'core', 'common', 'utils'])

/** Every rule that `file` breaks, one sentence each; empty when none. */
export function brokenRules(file: SourceFile): readonly string[] {
  const broken: string[] = []
  const test = isTest(file.path)
  for (const specifier of new Set(importsOf(file).map(each => each.specifier))) {
    broken.push(
      ...(specifier.startsWith('.') ? brokenByFile(file.path, specifier) : brokenByPackage(file.path, specifier, test)),
    )
  }
  const line = test || file.path === 'stream/time/clock.ts' ? undefined : lineOf(file, wallClock)
  if (file.path.startsWith('stream/') && line !== undefined) {
    broken.push(`${file.path}:${line} reads the wall clock; only stream/time/clock.ts may`)
  }
  const bad = dirname(file.path)
    .split('/')
    .find(part => forbiddenFolders.has(part))
  if (bad !== undefined && !file.path.startsWith('extension/'))
    broken.push(`${file.path} lies in a folder named "${bad}"`)
  return broken
}

function brokenByFile(path: string, specifier: string): readonly string[] {
  const target = targetOf(path, specifier)
  const rule = folderRules.find(each => path.startsWith(`${each.folder}/`))
  if (rule === undefined) return []
  const allowed = [rule.folder, ...rule.may].some(folder => target === folder || target.startsWith(`${folder}/`))
  if (!allowed && target !== 'package.json')
    return [`${path} imports ${target}: ${rule.folder} may import ${rule.may.join(', ') || 'nothing else'}`]
  if (isTest(path)) return []
  return strangers
    .filter(([from, to]) => path.startsWith(`${from}/`) && target.startsWith(`${to}/`))
    .map(([from, to]) => `${path} imports ${target}: ${from} must not know ${to}`)
}

function brokenByPackage(path: string, specifier: string, test: boolean): readonly string[] {
  if (path.startsWith('stream/charts/') && !test && isBuiltin(specifier))
    return [`${path} imports ${specifier}: charts run in the browser too`]
  if (path.startsWith('tests/') || path.startsWith('benches/') || test) return []
  return packageHomes
    .filter(([name, ...homes]) => name.test(specifier) && !homes.some(home => path.startsWith(home)))
    .map(([, ...homes]) => `${path} imports ${specifier}: only ${homes.join(' and ')} may`)
}

function isTest(path: string): boolean {
  return path.endsWith('.test.ts')
}

function isBuiltin(specifier: string): boolean {
  return specifier.startsWith('node:') || builtinModules.includes(specifier)
}

/** Path below the root that a relative import leads to; a `.js` of the extension stands for its `.ts`. */
export function targetOf(path: string, specifier: string): string {
  return normalize(join(dirname(path), specifier))
}

interface Import {
  readonly specifier: string
  /** Gone at run time. */
  readonly typeOnly: boolean
  /** `import()`: loaded when it is reached, so it closes no ring. */
  readonly dynamic: boolean
}

/** Static and dynamic imports and re-exports, from a parse: text inside strings and comments is no import. */
function importsOf({ path, text }: SourceFile): readonly Import[] {
  const { module } = parseSync(path, text)
  const statics = module.staticImports.map(({ moduleRequest, entries }) => ({
    specifier: moduleRequest.value,
    typeOnly: entries.length > 0 && entries.every(entry => entry.isType),
    dynamic: false,
  }))
  const exports = module.staticExports.flatMap(({ entries }) =>
    entries.flatMap(entry =>
      entry.moduleRequest === null
        ? []
        : [{ specifier: entry.moduleRequest.value, typeOnly: entry.isType, dynamic: false }],
    ),
  )
  const dynamics = module.dynamicImports.flatMap(({ moduleRequest }) => {
    const literal = /^['"](.*)['"]$/.exec(text.slice(moduleRequest.start, moduleRequest.end))
    return literal === null ? [] : [{ specifier: literal[1] ?? '', typeOnly: false, dynamic: true }]
  })
  return [...statics, ...exports, ...dynamics]
}

function lineOf(file: SourceFile, pattern: RegExp): number | undefined {
  const code = file.text.replace(/\/\*[\s\S]*?\*\//g, comment => comment.replace(/[^\n]/g, ' '))
  const index = code.split('\n').findIndex(line => pattern.test(line.replace(/\/\/.*$/, '')))
  return index < 0 ? undefined : index + 1
}

/** A ring of files that import each other at run time, in order; undefined when there is none. Type-only imports do not count. */
export function importRing(files: readonly SourceFile[]): readonly string[] | undefined {
  const edges = new Map(files.map(file => [file.path, runtimeImports(file)]))
  const settled = new Set<string>()
  const walk = (path: string, trail: readonly string[]): readonly string[] | undefined => {
    const at = trail.indexOf(path)
    if (at >= 0) return [...trail.slice(at), path]
    if (settled.has(path)) return undefined
    for (const next of edges.get(path) ?? []) {
      const ring = walk(next, [...trail, path])
      if (ring !== undefined) return ring
    }
    settled.add(path)
    return undefined
  }
  for (const path of edges.keys()) {
    const ring = walk(path, [])
    if (ring !== undefined) return ring
  }
  return undefined
}

function runtimeImports(file: SourceFile): readonly string[] {
  return importsOf(file)
    .filter(({ specifier, typeOnly, dynamic }) => specifier.startsWith('.') && !typeOnly && !dynamic)
    .map(({ specifier }) => targetOf(file.path, specifier))
}
