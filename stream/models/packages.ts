/**
 * Optional packages, taken from the user's own project first and from beside Riffle otherwise. None is a dependency: who scores with
 * built-in detectors or plain dense models needs none.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { StreamError } from '../errors.ts'

export const tensorflowPackages = [
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-layers',
  '@tensorflow/tfjs-converter',
  '@tensorflow/tfjs-backend-cpu',
  '@tensorflow/tfjs-backend-wasm',
] as const

export const tensorflowInstall = `%install ${tensorflowPackages.map(name => `${name}@4.22.0`).join(' ')}`

/** Loads the first package of `names` that is installed. @throws StreamError MODEL_UNSUPPORTED with the line that installs it */
export function requireOptional(
  names: readonly string[],
  from: string | undefined,
  why: string,
  install: string,
): unknown {
  const found = findOptional(names, from)
  if (found !== undefined) return found.load()
  throw new StreamError({
    code: 'MODEL_UNSUPPORTED',
    message: `Cannot ${why}: package ${names.join(' or ')} is not installed`,
    hint: install,
  })
}

export function findOptional(
  names: readonly string[],
  from: string | undefined,
): { readonly name: string; load(): unknown } | undefined {
  const places = [from === undefined ? undefined : join(from, 'notebook.js'), import.meta.url]
  for (const place of places) {
    if (place === undefined) continue
    const require = createRequire(place)
    for (const name of names) {
      try {
        require.resolve(name)
      } catch {
        continue
      }
      return { name, load: () => require(name) as unknown }
    }
  }
  return undefined
}

/** Whether all of TensorFlow.js that models need is there. */
export function hasTensorflow(from: string | undefined): boolean {
  return tensorflowPackages.every(name => findOptional([name], from) !== undefined)
}
