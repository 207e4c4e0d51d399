/** The registry of a connection, here or over a wire: its methods take and give plain data. */
import { StreamError } from '../errors.ts'
import type { Connection } from '../connectors/connector.ts'
import type { SchemaRegistry } from '../schema-model.ts'

const methods = [
  'schema',
  'subjects',
  'versions',
  'version',
  'register',
  'lookup',
  'compatible',
  'mode',
  'setMode',
  'delete',
] as const satisfies readonly (keyof SchemaRegistry)[]

/** Throws OPTION_INVALID when the connection was opened without one. */
export function registryOf(connection: Connection): SchemaRegistry {
  if (connection.registry !== undefined) return connection.registry
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot use schemas: connection "${connection.name}" to ${connection.url} has no schema registry`,
    hint: `%connect ${connection.url} --registry http://localhost:8081`,
  })
}

/** A registry whose every call goes through `call`. */
export function registryBy(call: (method: string, args: readonly unknown[]) => Promise<unknown>): SchemaRegistry {
  const made = Object.fromEntries(methods.map(method => [method, (...args: unknown[]) => call(method, args)]))
  // The list above names every method of the interface.
  return { url: 'engine', ...made } as unknown as SchemaRegistry
}

/** The other end of `registryBy`. */
export function callRegistry(registry: SchemaRegistry, method: string, args: readonly unknown[]): Promise<unknown> {
  const known = methods.find(each => each === method)
  if (known === undefined)
    throw new StreamError({
      code: 'INTERNAL',
      message: `Cannot call "${method}" of a registry: there is no such method`,
    })
  return (registry[known] as (...given: readonly unknown[]) => Promise<unknown>).apply(registry, [...args])
}
