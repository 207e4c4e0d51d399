/** Tokens for `--sasl oauthbearer`: one that is known, or of a server that gives them for a client's id and secret (RFC 6749, 4.4). */
import { StreamError } from '../errors.ts'
import { keepSecret } from '../redact.ts'
import type { ResolvedSettings } from './profiles.ts'

const limitMs = 4000

export function tokens(settings: ResolvedSettings): () => Promise<string> {
  const { token, tokenUrl } = settings
  return tokenUrl === undefined ? () => Promise.resolve(token ?? '') : () => ask(tokenUrl, settings)
}

/** Throws KAFKA_AUTHENTICATION within some seconds, OPTION_INVALID for a URL over which a secret must not go. */
async function ask(url: string, { user = '', password = '', scope }: ResolvedSettings): Promise<string> {
  const { protocol, hostname } = parsed(url)
  const here = /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(hostname)
  if (protocol !== 'https:' && !(protocol === 'http:' && here))
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot ask "${url}" for a token: the secret would go over the network in plain text`,
      hint: '"tokenUrl": "https://…" in the profile',
    })
  const basic = Buffer.from(`${encodeURIComponent(user)}:${encodeURIComponent(password)}`).toString('base64')
  keepSecret(basic)
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) })
  let answer: Response
  let text: string
  try {
    answer = await fetch(url, {
      method: 'POST',
      body,
      headers: { authorization: `Basic ${basic}`, accept: 'application/json' },
      signal: AbortSignal.timeout(limitMs),
    })
    text = await answer.text()
  } catch (cause) {
    throw refused(url, 'it does not answer', 'Check tokenUrl of the profile, or the VPN of this machine', cause)
  }
  if (!answer.ok)
    throw refused(url, `it answers ${answer.status}`, 'Check user and password of the profile: the id and secret of a client') // prettier-ignore
  const token = tokenIn(text)
  if (token === undefined) throw refused(url, 'its answer holds no access_token', 'Check tokenUrl of the profile')
  keepSecret(token)
  return token
}

function parsed(url: string): URL {
  try {
    return new URL(url)
  } catch (cause) {
    throw refused(url, 'it is no URL', '"tokenUrl": "https://…" in the profile', cause)
  }
}

function tokenIn(text: string): string | undefined {
  try {
    const { access_token: token } = JSON.parse(text) as { access_token?: unknown }
    return typeof token === 'string' && token !== '' ? token : undefined
  } catch {
    return undefined
  }
}

function refused(url: string, why: string, hint: string, cause?: unknown): StreamError {
  return new StreamError({ code: 'KAFKA_AUTHENTICATION', message: `Cannot get a token from "${url}": ${why}`, hint, cause }) // prettier-ignore
}
