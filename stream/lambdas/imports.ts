/**
 * Loads what shipped lambdas import, resolved from the notebook's folder. Called once before a stream starts: lambdas
 * themselves are synchronous.
 */
import { createRequire, isBuiltin } from 'node:module'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { StreamError } from '../errors.ts'
import type { Captured, ShippedLambda } from '../plan.ts'
import { importKey } from './revive.ts'
import { capturedIn } from './walk.ts'

export type Modules = Map<string, Readonly<Record<string, unknown>>>

/** Loads the modules `lambdas` name into `modules`. Throws LAMBDA_CAPTURE when one cannot be loaded. */
export async function loadImports(lambdas: readonly ShippedLambda[], modules: Modules): Promise<void> {
  const wanted = lambdas
    .flatMap(lambda => capturedIn(lambda))
    .filter((c): c is Extract<Captured, { kind: 'import' }> => c.kind === 'import')
  const fresh = new Set<string>()
  for (const { specifier, from } of wanted) {
    const key = importKey(specifier, from)
    // A local module is read again for each start: the user may have edited it since. Packages stay as they are.
    if (fresh.has(key) || (modules.has(key) && !isLocal(specifier))) continue
    fresh.add(key)
    try {
      modules.set(key, await load(specifier, from))
    } catch (error) {
      throw new StreamError({
        code: 'LAMBDA_CAPTURE',
        message: `Cannot import "${specifier}" for a lambda: ${(error as Error).message.split('\n')[0]}`,
        hint: `A stream imports again in the engine, from the folder ${from}`,
        cause: error,
      })
    }
  }
}

const isLocal = (specifier: string) => /^(\.{1,2}\/|\/|file:)/.test(specifier)

async function load(specifier: string, from: string): Promise<Record<string, unknown>> {
  if (isBuiltin(specifier)) return (await import(specifier)) as Record<string, unknown>
  const parent = pathToFileURL(join(from, 'notebook.ts')).href
  if (!isLocal(specifier)) {
    // CommonJS resolution first: it needs no loader; a package with only an `import` condition goes through tsx below.
    try {
      return (await import(pathToFileURL(createRequire(parent).resolve(specifier)).href)) as Record<string, unknown>
    } catch (error) {
      const code = (error as { code?: unknown }).code
      if (code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED' && code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  // Loaded on first use only (it costs 0.26 s): local TypeScript, and each call has a module cache of its own.
  const { tsImport } = await import('tsx/esm/api')
  const module = (await tsImport(specifier, parent)) as Record<string, unknown>
  // A folder without "type": "module" makes a .ts file CommonJS: its real exports then lie under `default`.
  const inner = module['default'] as Record<string, unknown> | undefined
  return inner?.['__esModule'] === true ? inner : module
}
