/**
 * Where user names and passwords come from, so that none stands in a notebook: a file of profiles that only its owner may read, or
 * the environment of the kernel. What a `%connect` types wins over its profile.
 *
 *   ~/.config/riffle/profiles.json   { "prod": { "url": "kafka://…", "tls": true, "sasl": "scram-sha-512", "user": …, "password": … } }
 *                                    { "corp": { "url": "kafka://…", "sasl": "oauthbearer", "token": … | "tokenUrl": "https://…", "user": …, "password": …, "scope": … } }
 *   RIFFLE_KAFKA_USER, RIFFLE_KAFKA_PASSWORD, RIFFLE_KAFKA_TOKEN, RIFFLE_REGISTRY_USER, RIFFLE_REGISTRY_PASSWORD
 */
import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { StreamError } from '../errors.ts'
import { keepSecret } from '../redact.ts'
import type { ConnectSettings } from './runtime.ts'

export interface ResolvedSettings extends ConnectSettings {
  readonly url: string
  /** Gives tokens for user and password, which are a client's id and secret there (client credentials of OAuth 2). */
  readonly tokenUrl?: string | undefined
  readonly scope?: string | undefined
  readonly registryUser?: string | undefined
  readonly registryPassword?: string | undefined
}

const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const

/** Path of the file of profiles. */
export function profilesPath(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'riffle', 'profiles.json')
}

/** Throws OPTION_INVALID when the profile is not there or others may read it, CREDENTIALS_NEEDED when a login has no password. */
export async function resolveSettings(
  url: string,
  typed: ConnectSettings,
  env: NodeJS.ProcessEnv = process.env,
): Promise<ResolvedSettings> {
  const profile = typed.profile === undefined ? {} : await readProfile(typed.profile, profilesPath(env))
  const given = Object.fromEntries(Object.entries(typed).filter(([, value]) => value !== undefined))
  const settings: Record<string, unknown> = {
    user: env['RIFFLE_KAFKA_USER'],
    password: env['RIFFLE_KAFKA_PASSWORD'],
    token: env['RIFFLE_KAFKA_TOKEN'],
    registryUser: env['RIFFLE_REGISTRY_USER'],
    registryPassword: env['RIFFLE_REGISTRY_PASSWORD'],
    ...profile,
    ...given,
  }
  const text = (name: string) => (typeof settings[name] === 'string' ? settings[name] : undefined)
  keepSecret(text('password'))
  keepSecret(text('token'))
  keepSecret(text('registryPassword'))
  const sasl = mechanisms.find(each => each === settings['sasl'])
  if (settings['sasl'] !== undefined && sasl === undefined)
    throw invalid(`login "${String(settings['sasl'])}" is not one of ${mechanisms.join(', ')}`, '--sasl scram-sha-512')
  const where = url === '' ? text('url') : url
  if (where === undefined)
    throw invalid(`profile "${typed.profile}" has no url`, `%connect kafka://host:9092 --profile ${typed.profile}`)
  const byToken = sasl === 'oauthbearer' && text('tokenUrl') === undefined
  if (byToken && text('token') === undefined) {
    throw new StreamError({
      code: 'CREDENTIALS_NEEDED',
      message: `Cannot log in to "${where}": no token is known`,
      hint: `Put token, or tokenUrl with user and password, into a profile in ${profilesPath(env)}: %connect ${where} --sasl oauthbearer --profile NAME`,
    })
  }
  if (sasl !== undefined && !byToken && (text('user') === undefined || text('password') === undefined)) {
    throw new StreamError({
      code: 'CREDENTIALS_NEEDED',
      message: `Cannot log in to "${where}": no ${text('user') === undefined ? 'user' : 'password'} is known`,
      hint: `Put user and password into a profile in ${profilesPath(env)}: %connect ${where} --sasl ${sasl} --profile NAME`,
    })
  }
  return {
    as: text('as'),
    url: where,
    registry: text('registry'),
    tls: settings['tls'] === true || text('ca') !== undefined,
    ca: text('ca'),
    sasl,
    user: text('user'),
    password: text('password'),
    token: text('token'),
    tokenUrl: text('tokenUrl'),
    scope: text('scope'),
    registryUser: text('registryUser'),
    registryPassword: text('registryPassword'),
  }
}

async function readProfile(name: string, path: string): Promise<Readonly<Record<string, unknown>>> {
  let text: string
  try {
    const { mode } = await stat(path)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw invalid(`others than you may read ${path}, which holds passwords`, `chmod 600 ${path}`)
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof StreamError) throw error
    throw invalid(
      `there is no file ${path}`,
      `Make it, only for you (chmod 600): { "${name}": { "url": "kafka://host:9092" } }`,
    )
  }
  let profiles: Readonly<Record<string, unknown>>
  try {
    profiles = JSON.parse(text) as typeof profiles
  } catch {
    // The parser's own message would show a piece of the file.
    throw invalid(`${path} is no JSON`, 'It looks like { "prod": { "url": "kafka://host:9092" } }')
  }
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined
  if (typeof profile === 'object' && profile !== null) return profile as Readonly<Record<string, unknown>>
  throw invalid(
    `${path} has no profile "${name}", it has ${Object.keys(profiles).join(', ') || 'none'}`,
    `--profile ${Object.keys(profiles)[0] ?? 'NAME'}`,
  )
}

function invalid(reason: string, hint: string): StreamError {
  return new StreamError({ code: 'OPTION_INVALID', message: `Cannot connect: ${reason}`, hint })
}
