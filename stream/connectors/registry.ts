/** Connectors by the scheme of a URL. One more line here is one more kind of broker. */
import { StreamError } from '../errors.ts'
import { EmbeddedConnection } from './embedded.ts'
import { nearestNames } from './nearest-names.ts'
import type { Clock } from '../time/clock.ts'
import type { Connection } from './connector.ts'
import type { KafkaSecurity } from './kafka-security.ts'
import type { SchemaRegistry } from '../schema-model.ts'

export interface OpenOptions {
  /** Name of the connection. */
  readonly as: string
  readonly clock: Clock
  readonly registry?: SchemaRegistry | undefined
  readonly security?: KafkaSecurity | undefined
  /** One line for people: a reader lost its broker, it is back. */
  readonly onNotice?: ((text: string) => void) | undefined
}

type Open = (url: string, options: OpenOptions) => Promise<Connection>

const connectors = new Map<string, Open>([
  [
    'embedded',
    async (_url, options) =>
      new EmbeddedConnection({ clock: options.clock, name: options.as, registry: options.registry }),
  ],
  // Loaded when first used: most notebooks never need it.
  ['kafka', async (url, options) => (await import('./kafka.ts')).openKafka(url, options)],
  [
    'file',
    async (url, options) =>
      new (await import('../recordings/recording-connection.ts')).RecordingConnection(url, options),
  ],
])

/** Schemes that can be opened. */
export const schemes: readonly string[] = [...connectors.keys()]

/** Opens `embedded` or `kafka://host:9092`. Throws OPTION_INVALID for another scheme, and what the connector throws. */
export async function openConnection(url: string, options: OpenOptions): Promise<Connection> {
  const typed = url.trim()
  const scheme = typed.startsWith('file:')
    ? 'file'
    : (/^([a-z][a-z0-9+.-]*)(?=:\/\/|$)/i.exec(typed)?.[1]?.toLowerCase() ?? typed)
  const open = connectors.get(scheme)
  if (open !== undefined) return open(typed, options)
  const near = nearestNames(scheme, schemes)
  const looksLikeHost = /^[\w.-]+:\d+$/.test(typed)
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot connect to "${typed.replace(/\/\/[^@/]*@/, '//')}": it begins with none of ${schemes.map(each => (each === 'embedded' ? each : each === 'file' ? 'file:' : `${each}://`)).join(', ')}`,
    hint: looksLikeHost
      ? `%connect kafka://${typed}`
      : `%connect ${near[0] === 'embedded' ? 'embedded' : 'kafka://localhost:9092'}`,
  })
}
