/**
 * Imports of a cell. Packages and `node:` modules go to Node's own loader, resolved from the notebook's folder. Local files
 * (.ts .mts .js .mjs .cjs .json) are loaded here, so that an edited file, and every local module that imports it, is new
 * at the next import statement: they run through the same transform as cells, with the same positions and loop guards.
 */
import { readFileSync, statSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { constants, Script } from 'node:vm'
import { compile } from './compile.ts'
import { drive } from './driver.ts'
import { placeError } from './errors.ts'
import type { Machine } from './machine.ts'
import type { Origin } from './positions.ts'
import { resolvePackage } from './resolve.ts'
import { createScope, type NameScope } from './scope.ts'
import { parseSource } from './syntax.ts'
import type { StaticImport } from './transform.ts'

export type Namespace = Record<string, unknown>

interface LocalModule {
  readonly path: string
  readonly stamp: string
  readonly imports: Set<string>
  readonly namespace: Namespace
  done: Promise<void>
  evaluated: boolean
}

const localExtensions = new Set(['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.json'])

export interface Loader {
  /** Namespace of `specifier` as seen from `importer`, a file path. */
  load(specifier: string, importer: string): Promise<Namespace>
  /** Puts the names of import statements into `scope`. */
  bind(imports: readonly StaticImport[], importer: string, scope: NameScope, origin: Origin): Promise<void>
}

export interface LoaderOptions {
  readonly machine: Machine
  readonly folder: () => string
  /** Modules given by the kernel itself: `riffle-kernel`. */
  readonly given: ReadonlyMap<string, Namespace>
}

export function createLoader(options: LoaderOptions): Loader {
  return new LocalLoader(options)
}

class LocalLoader implements Loader {
  private readonly options: LoaderOptions
  private readonly modules = new Map<string, LocalModule>()
  private readonly importers = new Map<string, (specifier: string) => Promise<Namespace>>()

  constructor(options: LoaderOptions) {
    this.options = options
  }

  async load(specifier: string, importer: string): Promise<Namespace> {
    const given = this.options.given.get(specifier)
    if (given !== undefined) return given
    const path = this.localPath(specifier, importer)
    if (path === undefined) return this.packageModule(specifier, importer)
    return (await this.local(path, new Map())).namespace
  }

  async bind(imports: readonly StaticImport[], importer: string, scope: NameScope, origin: Origin): Promise<void> {
    for (const each of imports) {
      try {
        const namespace = await this.load(each.specifier, importer)
        for (const binding of each.bindings)
          bindName(scope, binding.local, namespace, binding.imported, each, binding.used)
      } catch (error) {
        if (typeof error === 'object' && error !== null && !hasOwnFrames(error)) placeError(error, origin, each.at)
        throw error
      }
    }
  }

  private localPath(specifier: string, importer: string): string | undefined {
    const relativePath = /^\.{1,2}(\/|$)/.test(specifier)
    if (!relativePath && !isAbsolute(specifier) && !specifier.startsWith('file:')) return undefined
    const plain = specifier.startsWith('file:') ? fileURLToPath(specifier) : resolve(dirname(importer), specifier)
    const found = existing(plain)
    if (found === undefined) {
      const shown = relative(this.options.folder(), plain) || plain
      throw Object.assign(new Error(`Cannot find module "${specifier}": there is no file ${shown}`), {
        code: 'ERR_MODULE_NOT_FOUND',
      })
    }
    if (found.includes(`${sep}node_modules${sep}`) || !localExtensions.has(extname(found))) return undefined
    return found
  }

  // ---- packages

  private async packageModule(specifier: string, importer: string): Promise<Namespace> {
    const folder = dirname(importer)
    if (isBuiltin(specifier)) return (await import(specifier)) as Namespace
    if (/^[./]|^file:/.test(specifier)) {
      const path = specifier.startsWith('file:') ? fileURLToPath(specifier) : resolve(folder, specifier)
      if (extname(path) === '.node') return asNamespace(createRequire(importer)(path))
      return (await import(pathToFileURL(path).href)) as Namespace
    }
    try {
      return await this.nodeImport(folder)(specifier)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code !== 'ERR_MODULE_NOT_FOUND' || !String((error as Error).message).includes(`'${packageOf(specifier)}'`))
        throw error
    }
    // Node remembers that a package was missing: after an installation it has to be looked for by hand.
    const installed = resolvePackage(specifier, folder)
    if (installed !== undefined) return (await import(pathToFileURL(installed).href)) as Namespace
    const name = packageOf(specifier)
    throw Object.assign(new Error(`Cannot find package "${name}" from ${folder}. To install it: %install ${name}`), {
      code: 'ERR_MODULE_NOT_FOUND',
    })
  }

  /** Node's `import()` as if written in a file of `folder`. */
  private nodeImport(folder: string): (specifier: string) => Promise<Namespace> {
    const known = this.importers.get(folder)
    if (known !== undefined) return known
    const script = new Script('specifier => import(specifier)', {
      filename: join(folder, 'riffle-import.mjs'),
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    })
    const made = script.runInThisContext() as (specifier: string) => Promise<Namespace>
    this.importers.set(folder, made)
    return made
  }

  // ---- local files

  /** `seen` holds what this import has checked or is evaluating: a cycle gets the unfinished namespace. */
  private async local(path: string, seen: Map<string, LocalModule>): Promise<LocalModule> {
    const going = seen.get(path)
    if (going !== undefined) return going
    const old = this.modules.get(path)
    if (old !== undefined && this.fresh(old, new Set())) {
      await old.done
      return old
    }
    const module = this.create(path)
    seen.set(path, module)
    this.modules.set(path, module)
    module.done = this.evaluate(module, seen)
    try {
      await module.done
    } catch (error) {
      this.modules.delete(path)
      throw error
    }
    return module
  }

  private fresh(module: LocalModule, checked: Set<string>): boolean {
    if (checked.has(module.path)) return true
    checked.add(module.path)
    if (stampOf(module.path) !== module.stamp) return false
    return [...module.imports].every(path => {
      const imported = this.modules.get(path)
      return imported !== undefined && this.fresh(imported, checked)
    })
  }

  private create(path: string): LocalModule {
    const namespace = Object.create(null) as Namespace
    Object.defineProperty(namespace, Symbol.toStringTag, { value: 'Module' })
    return { path, stamp: stampOf(path), imports: new Set(), namespace, done: Promise.resolve(), evaluated: false }
  }

  private async evaluate(module: LocalModule, seen: Map<string, LocalModule>): Promise<void> {
    const { path } = module
    const extension = extname(path)
    const text = readFileSync(path, 'utf8')
    if (extension === '.json') {
      fill(module.namespace, JSON.parse(text) as unknown)
    } else if (extension === '.cjs' || extension === '.cts' || (extension === '.js' && !this.isModule(path, text))) {
      const require = createRequire(path)
      for (const key of Object.keys(require.cache)) {
        if (!key.includes(`${sep}node_modules${sep}`)) Reflect.deleteProperty(require.cache, key)
      }
      fill(module.namespace, require(path))
      for (const child of require.cache[path]?.children ?? []) {
        if (!child.filename.includes('node_modules')) this.noteCommon(module, child.filename)
      }
    } else await this.evaluateModule(module, text, seen)
    module.evaluated = true
  }

  /** CommonJS dependencies have no module of their own here; only their stamp counts. */
  private noteCommon(module: LocalModule, path: string): void {
    module.imports.add(path)
    this.modules.set(path, { ...this.create(path), evaluated: true })
  }

  private isModule(path: string, text: string): boolean {
    if (parseSource(text, 'js').hasModuleSyntax) return true
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      try {
        return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { type?: string }).type === 'module'
      } catch {
        if (folder === dirname(folder)) return false
      }
    }
  }

  private async evaluateModule(module: LocalModule, text: string, seen: Map<string, LocalModule>): Promise<void> {
    const { machine } = this.options
    const { path } = module
    const scope = createScope()
    const url = pathToFileURL(path).href
    const compiled = compile(machine, {
      label: relative(this.options.folder(), path) || path,
      source: text,
      typed: text,
      scope,
      folder: dirname(path),
      lang: /\.m?js$/.test(path) ? 'js' : 'ts',
      module: true,
      meta: {
        url,
        filename: path,
        dirname: dirname(path),
        resolve: (specifier: string) => new URL(specifier, url).href,
      },
      importer: specifier => this.load(specifier, path),
    })
    const { transformed, origin } = compiled
    for (const [name, local] of transformed.exports) getter(module.namespace, name, () => scope.values[local])
    for (const each of transformed.imports) {
      try {
        const namespace = await this.dependency(each.specifier, module, seen)
        for (const binding of each.bindings)
          bindName(scope, binding.local, namespace, binding.imported, each, binding.used)
        for (const pass of each.passes ?? []) passOn(module.namespace, namespace, pass)
      } catch (error) {
        if (typeof error === 'object' && error !== null && !hasOwnFrames(error)) placeError(error, origin, each.at)
        throw error
      }
    }
    const run = machine.runs.own ?? machine.runs.current
    if (run === undefined) throw new Error(`Cannot import "${path}" outside a cell`)
    await drive(machine, compiled.start(), run)
  }

  private async dependency(specifier: string, module: LocalModule, seen: Map<string, LocalModule>): Promise<Namespace> {
    const given = this.options.given.get(specifier)
    if (given !== undefined) return given
    const path = this.localPath(specifier, module.path)
    if (path === undefined) return this.packageModule(specifier, module.path)
    module.imports.add(path)
    return (await this.local(path, seen)).namespace
  }
}

function getter(namespace: Namespace, name: string, get: () => unknown): void {
  Object.defineProperty(namespace, name, { get, enumerable: true, configurable: true })
}

function passOn(into: Namespace, from: Namespace, pass: { readonly imported: string; readonly as: string }): void {
  if (pass.imported !== '*') return getter(into, pass.as, () => from[pass.imported])
  if (pass.as !== '*') return getter(into, pass.as, () => from)
  for (const name of Object.keys(from)) if (name !== 'default' && !(name in into)) getter(into, name, () => from[name])
}

/** A CommonJS or JSON value as a module: `default` and, for objects, each property. */
function fill(namespace: Namespace, value: unknown): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) Object.assign(namespace, value)
  if (typeof value === 'function') Object.assign(namespace, value)
  namespace['default'] = value
}

function asNamespace(value: unknown): Namespace {
  const namespace = Object.create(null) as Namespace
  fill(namespace, value)
  return namespace
}

function bindName(
  scope: NameScope,
  local: string,
  namespace: Namespace,
  imported: string,
  statement: StaticImport,
  used: boolean,
): void {
  if (imported !== '*' && !(imported in namespace)) {
    // An import that serves only as a type leaves nothing behind at run time.
    if (!used && imported !== 'default') return
    throw new SyntaxError(`The module "${statement.specifier}" does not provide an export named "${imported}"`)
  }
  const read = (): unknown => (imported === '*' ? namespace : namespace[imported])
  Object.defineProperty(scope.values, local, {
    get: read,
    set: (value: unknown) => {
      Object.defineProperty(scope.values, local, { value, writable: true, enumerable: true, configurable: true })
    },
    enumerable: true,
    configurable: true,
  })
}

function hasOwnFrames(error: object): boolean {
  return (
    error instanceof Error &&
    /\n {4}at /.test(error.stack ?? '') &&
    !('code' in error) &&
    !(error instanceof SyntaxError)
  )
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier)
}

function stampOf(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path)
    return `${mtimeMs}:${size}:${ino}`
  } catch {
    return 'missing'
  }
}

function existing(path: string): string | undefined {
  const bare = path.replace(/\.(m|c)?js$/, '.$1ts')
  const candidates = [path, ...(bare === path ? [] : [bare]), `${path}.ts`, `${path}.js`, `${path}.mjs`, `${path}.json`]
  candidates.push(join(path, 'index.ts'), join(path, 'index.js'))
  return candidates.find(candidate => {
    try {
      return statSync(candidate).isFile()
    } catch {
      return false
    }
  })
}
