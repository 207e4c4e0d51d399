/** A connection together with its registry: the one in this process for the built-in topics, a server for a broker. */
import { readFile } from 'node:fs/promises'
import { openConnection } from '../connectors/registry.ts'
import { StreamError } from '../errors.ts'
import { openRegistry } from '../schemas/http-registry.ts'
import { MemoryRegistry } from '../schemas/memory-registry.ts'
import { resolveSettings } from './profiles.ts'
import { tokens } from './tokens.ts'
import type { Connection } from '../connectors/connector.ts'
import type { KafkaLogin, KafkaSecurity } from '../connectors/kafka-security.ts'
import type { Clock } from '../time/clock.ts'
import type { ResolvedSettings } from './profiles.ts'
import type { ConnectSettings } from './runtime.ts'

export interface OpenTopicsOptions {
  readonly as: string
  readonly clock: Clock
  readonly onNotice?: ((text: string) => void) | undefined
}

/** Throws what the profile, the registry and the connector throw, within five seconds each. An empty `url` is the profile's. */
export async function openTopics(
  url: string,
  settings: ConnectSettings,
  options: OpenTopicsOptions,
): Promise<Connection> {
  const resolved = await resolveSettings(url.trim(), settings)
  const builtIn = /^embedded(:|$)/.test(resolved.url)
  const { registry: registryUrl, registryUser: user, registryPassword: password } = resolved
  const security = await securityOf(resolved)
  const registry =
    registryUrl !== undefined
      ? await openRegistry(registryUrl, { user, password })
      : builtIn
        ? new MemoryRegistry()
        : undefined
  return openConnection(resolved.url, { ...options, registry, security })
}

async function securityOf(resolved: ResolvedSettings): Promise<KafkaSecurity> {
  const { tls, ca } = resolved
  return {
    tls: tls === true ? { ca: ca === undefined ? undefined : await certificates(ca) } : undefined,
    sasl: await loginOf(resolved),
  }
}

async function loginOf(resolved: ResolvedSettings): Promise<KafkaLogin | undefined> {
  const { sasl, user, password } = resolved
  if (sasl === undefined) return undefined
  if (sasl !== 'oauthbearer') return { mechanism: sasl, username: user ?? '', password: password ?? '' }
  const token = tokens(resolved)
  // What is wrong with the server of the tokens is told here; a connection would only say that it has none.
  await token()
  return { mechanism: sasl, token }
}

async function certificates(path: string): Promise<string> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw noCertificates(path, 'there is no such file', cause)
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  throw noCertificates(path, 'it holds no certificate in PEM form')
}

function noCertificates(path: string, reason: string, cause?: unknown): StreamError {
  return new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot read certificates from "${path}": ${reason}`,
    hint: '--ca ca.crt, the certificate of the authority that signed the brokers',
    cause,
  })
}
