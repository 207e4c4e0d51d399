/** TLS and logins of a cluster: what kafkajs is given, and which of them was wrong when a connection failed. */
import tls from 'node:tls'
import { StreamError } from '../errors.ts'
import { reachLimitMs } from './kafka-errors.ts'

export type PasswordMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512'

export type KafkaLogin =
  | { readonly mechanism: PasswordMechanism; readonly username: string; readonly password: string }
  | {
      readonly mechanism: 'oauthbearer'
      readonly username?: undefined
      /** Asked for each login: tokens do not last. */
      readonly token: () => Promise<string>
    }

export interface KafkaSecurity {
  /** Absent: plain text. `ca`: certificates (PEM) to trust beside none other. The certificate is always verified. */
  readonly tls?: { readonly ca?: string | undefined } | undefined
  readonly sasl?: KafkaLogin | undefined
}

/** Shakes hands with the first broker, since kafkajs tells nothing of why it could not. Throws KAFKA_UNREACHABLE. */
export async function requireTls(url: string, brokers: readonly string[], security: KafkaSecurity): Promise<void> {
  if (security.tls === undefined) return
  const failures = await Promise.all(brokers.map(broker => handshake(broker, { ca: security.tls?.ca })))
  const failure = failures[0]
  if (failure === undefined || failures.includes(undefined)) return
  const host = hostOf(brokers[0]!)
  const { told, hint } = tlsFault(failure, host, url, security.tls.ca !== undefined)
  throw new StreamError({
    code: 'KAFKA_UNREACHABLE',
    message: `Cannot connect to "${url}": ${told}`,
    detail: failure,
    hint,
  })
}

/** True when the port shakes hands in TLS, whatever its certificate. */
export async function speaksTls(broker: string): Promise<boolean> {
  const failure = await handshake(broker, {})
  return failure === undefined || !isNoTls(failure)
}

/** The broker did not take the user and password. */
export function loginRefused(url: string, security: KafkaSecurity, cause: unknown): StreamError {
  const mechanism = security.sasl?.mechanism ?? 'plain'
  const byToken = mechanism === 'oauthbearer'
  const text = cause instanceof Error ? cause.message : String(cause)
  const unknown = /mechanism/i.test(text) && /not (?:enabled|supported)|unsupported/i.test(text)
  return new StreamError({
    code: 'KAFKA_AUTHENTICATION',
    message: unknown
      ? `Cannot log in to "${url}": the broker does not take ${mechanism}`
      : byToken
        ? `Cannot log in to "${url}" by oauthbearer: the broker does not take the token`
        : `Cannot log in to "${url}" as "${security.sasl?.username ?? ''}" by ${mechanism}: the user or the password is wrong`,
    detail: text,
    hint: unknown
      ? `%connect ${url} --sasl ${mechanism === 'plain' ? 'scram-sha-512' : 'plain'}`
      : byToken
        ? 'It may be over, or be meant for others: check token, or tokenUrl and scope, of the profile'
        : 'Check the profile or the variables RIFFLE_KAFKA_USER and RIFFLE_KAFKA_PASSWORD of the kernel',
    cause,
  })
}

export function isLoginRefused(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (/SASL/i.test(`${at.name} ${at.message}`)) return true
  return false
}

/** Undefined: it worked, certificate included. Else a code. */
function handshake(broker: string, options: { readonly ca?: string | undefined }): Promise<string | undefined> {
  const host = hostOf(broker)
  const port = Number(broker.slice(broker.lastIndexOf(':') + 1))
  return new Promise(resolve => {
    const servername = /^[\d.]+$|:/.test(host) ? undefined : host
    const socket = tls.connect({
      host,
      port,
      ...(servername === undefined ? undefined : { servername }),
      ...(options.ca === undefined ? undefined : { ca: options.ca }),
    })
    const done = (failure: string | undefined) => {
      socket.destroy()
      resolve(failure)
    }
    socket.setTimeout(reachLimitMs - 1000, () => done('ETIMEDOUT'))
    socket.once('secureConnect', () => done(undefined))
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message))
    socket.once('close', () => done('ECONNRESET'))
  })
}

function isNoTls(failure: string): boolean {
  return /ECONNRESET|EPROTO|ETIMEDOUT|WRONG_VERSION|EPIPE/.test(failure)
}

function tlsFault(failure: string, host: string, url: string, own: boolean): { told: string; hint: string } {
  if (isNoTls(failure))
    return {
      told: 'the port does not speak TLS',
      hint: `Leave --tls out, or name the port of the TLS listener (9093 is usual): %connect ${url}`,
    }
  if (failure === 'CERT_HAS_EXPIRED')
    return {
      told: `the certificate of host "${host}" has expired`,
      hint: 'The administrator of the cluster has to renew it; check the clock of this machine too',
    }
  if (failure === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return {
      told: `the certificate is not one for host "${host}"`,
      hint: 'Use the name that stands in the certificate',
    }
  return {
    told: `nobody this machine trusts has signed the certificate of host "${host}" (${failure})`,
    hint: own
      ? 'The file given by --ca does not hold the authority that signed it'
      : `%connect ${url} --tls --ca FILE, with the certificate of the authority that signed it`,
  }
}

function hostOf(broker: string): string {
  return broker.slice(0, broker.lastIndexOf(':')).replace(/^\[|\]$/g, '')
}
