/** Connections open now, by name; the built-in topics are there from the start. */
import { StreamError } from '../../stream/errors.ts'
import { EmbeddedConnection } from '../../stream/connectors/embedded.ts'
import { MemoryRegistry } from '../../stream/schemas/memory-registry.ts'
import type { ConnectSettings } from '../../stream/targets/runtime.ts'
import type { Connection } from '../../stream/connectors/connector.ts'
import { wallClock } from '../../stream/time/clock.ts'
import { nearest } from './nearest.ts'

export class Connections {
  private readonly open = new Map<string, Connection>()
  readonly embedded: EmbeddedConnection

  constructor(embedded = new EmbeddedConnection({ clock: wallClock, registry: new MemoryRegistry() })) {
    this.embedded = embedded
    this.open.set('embedded', embedded)
  }

  find(name: string): Connection | undefined {
    return this.open.get(name)
  }

  get(name: string): Connection {
    const connection = this.open.get(name)
    if (connection !== undefined) return connection
    const names = [...this.open.keys()]
    throw new StreamError({
      code: 'CONNECTION_UNKNOWN',
      message: `Cannot use connection "${name}": it is not open, open are ${names.join(', ')}`,
      hint: `${nearest(name, names)}%connect URL --as ${name}`,
    })
  }

  /** The old connection of the name is closed once the new one is open; streams on it fail and say so. */
  async connect(url: string, options: ConnectSettings): Promise<{ name: string; url: string }> {
    const scheme = /^[a-z][a-z0-9+.-]*/i.exec(url)?.[0].toLowerCase() ?? url
    // Topics without a prefix are on the connection called `embedded`: replacing it is the one changed line.
    const name = options.as ?? 'embedded'
    if (scheme === 'embedded') {
      this.replace(name, this.embedded)
      return { name, url: this.embedded.url }
    }
    // Loaded when first needed: broker clients are large and most notebooks begin without one.
    const { openTopics } = await import('../../stream/targets/open-topics.ts')
    const connection = await openTopics(url, options, { as: name, clock: wallClock })
    this.replace(name, connection)
    return { name, url: connection.url }
  }

  private replace(name: string, connection: Connection): void {
    const before = this.open.get(name)
    this.open.set(name, connection)
    // The embedded topics live as long as the engine: another name for them must not end them.
    if (before !== undefined && before !== connection && before !== this.embedded) void before.close()
  }

  /** The built-in topics; refused while unprefixed topics are those of a broker. */
  requireEmbedded(topic: string): EmbeddedConnection {
    if (this.open.get('embedded') === this.embedded) return this.embedded
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot generate topic "${topic}": topics are on ${this.get('embedded').url}, a generator fills built-in topics only`,
      hint: '%connect embedded',
    })
  }

  list(): { name: string; url: string }[] {
    return [...this.open].map(([name, { url }]) => ({ name, url }))
  }

  async close(): Promise<void> {
    await Promise.allSettled([...new Set(this.open.values())].map(connection => connection.close()))
  }
}
