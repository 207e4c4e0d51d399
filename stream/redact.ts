/**
 * The one place that keeps secrets out of texts. Whoever comes to know a secret says so; every StreamError, and whatever else is
 * shown or logged about connections, goes through `redacted`. The engine tells the supervisor, through which everything passes that a
 * notebook sees: outputs, errors, comms.
 */
const secrets = new Set<string>()
const mark = '***'
/** Shorter ones would tear ordinary words apart. */
const shortest = 4

let tell: ((secret: string) => void) | undefined

/** Hears of every secret from now on: another process that shows texts must know them too. */
export function onSecret(listener: (secret: string) => void): void {
  tell = listener
}

/** From now on this text is never shown, as it is or as it goes over a wire. */
export function keepSecret(secret: string | undefined): void {
  if (secret === undefined || secret.length < shortest) return
  if (!secrets.has(secret)) tell?.(secret)
  for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), base64(secret)])
    secrets.add(form)
}

/** The text without any secret. */
export function redacted(text: string): string {
  let shown = text
  for (const secret of secrets) if (shown.includes(secret)) shown = shown.replaceAll(secret, mark)
  return shown
}

/** From now on what this process writes there goes through `redacted`, whoever writes it: a library prints what it likes. */
export function redactWrites(stream: { write: (...parts: never[]) => boolean }): void {
  const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean
  const redacting = (chunk: unknown, ...rest: unknown[]) => {
    const text = typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk as Uint8Array)
    const shown = redacted(text)
    return write(shown === text ? chunk : shown, ...rest)
  }
  stream.write = redacting as typeof stream.write
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text))).replace(/=+$/, '')
}
