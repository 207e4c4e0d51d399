/** A connection together with its registry: the one in this process for the built-in topics, a server for a broker. */
import { openConnection } from '../connectors/registry.ts'
import { openRegistry } from '../schemas/http-registry.ts'
import { MemoryRegistry } from '../schemas/memory-registry.ts'
import type { Connection } from '../connectors/connector.ts'
import type { Clock } from '../time/clock.ts'
import type { ConnectSettings } from './runtime.ts'

export interface OpenTopicsOptions {
  readonly as: string
  readonly clock: Clock
  readonly onNotice?: ((text: string) => void) | undefined
}

/** Throws what the connector and the registry throw, within five seconds each. */
export async function openTopics(
  url: string,
  settings: ConnectSettings,
  options: OpenTopicsOptions,
): Promise<Connection> {
  const builtIn = /^embedded(:|$)/.test(url.trim())
  const registry =
    settings.registry !== undefined ? await openRegistry(settings.registry) : builtIn ? new MemoryRegistry() : undefined
  return openConnection(url, { ...options, registry })
}
