/**
 * One Jupyter message and its frames:
 *
 *     identity… | <IDS|MSG> | hmac hex | header | parent_header | metadata | content | buffer…
 *
 * The signature covers the four JSON frames exactly as received.
 */
import { redacted } from '../../stream/redact.ts'
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'

export const PROTOCOL = '5.5'
const DELIMITER = Buffer.from('<IDS|MSG>')
/** Signatures remembered against replays. */
const SEEN_LIMIT = 65_536

export interface Header {
  readonly msg_id: string
  readonly msg_type: string
  readonly session: string
  readonly username: string
  readonly date: string
  readonly version: string
}

export type Json = Readonly<Record<string, unknown>>

export interface Incoming {
  readonly identities: readonly Buffer[]
  /** As received, so that replies carry equal fields. */
  readonly header: Header
  /** msg_id of the parent, when the sender names one. */
  readonly parentId: string | undefined
  /** The subshell it is for (JEP 91); undefined for the notebook's own shell. */
  readonly subshellId: string | undefined
  readonly metadata: Json
  readonly content: Json
  readonly buffers: readonly Buffer[]
}

export interface Outgoing {
  readonly type: string
  readonly content: Json
  readonly parent?: Header | undefined
  readonly identities?: readonly Buffer[] | undefined
  readonly metadata?: Json | undefined
  readonly buffers?: readonly Uint8Array[] | undefined
}

/** Signs what goes out and verifies what comes in, for one kernel session. */
export class Wire {
  readonly session: string = randomUUID()
  readonly #key: string
  readonly #seen = new Set<string>()

  constructor(key: string) {
    this.#key = key
  }

  encode(message: Outgoing, id: string = randomUUID()): Buffer[] {
    const header: Header = {
      msg_id: id,
      msg_type: message.type,
      session: this.session,
      username: 'kernel',
      date: new Date().toISOString(),
      version: PROTOCOL,
    }
    // The one place everything passes on its way to a notebook: what is known to be secret is in none of it.
    const shown = [message.metadata ?? {}, message.content].map(part => redacted(jsonText(part)))
    const parts = [jsonText(header), jsonText(message.parent ?? {}), ...shown].map(part => Buffer.from(part))
    const signature = Buffer.from(this.#sign(parts))
    const buffers = (message.buffers ?? []).map(bytes => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    return [...(message.identities ?? []), DELIMITER, signature, ...parts, ...buffers]
  }

  /** The message, or why it is ignored. The reason never holds a digest: who reads a log could forge with it. */
  decode(frames: readonly Buffer[]): Incoming | { readonly ignored: string } {
    const at = frames.findIndex(frame => frame.equals(DELIMITER))
    if (at < 0 || frames.length < at + 6) return { ignored: 'frames are missing' }
    const parts = frames.slice(at + 2, at + 6)
    const signature = frames[at + 1] as Buffer
    if (this.#key !== '') {
      const expected = Buffer.from(this.#sign(parts))
      if (signature.length !== expected.length || !timingSafeEqual(signature, expected))
        return { ignored: 'the signature is wrong' }
      const hex = signature.toString('latin1')
      if (this.#seen.has(hex)) return { ignored: 'the message was seen before' }
      this.#seen.add(hex)
      if (this.#seen.size > SEEN_LIMIT) this.#seen.delete(this.#seen.values().next().value as string)
    }
    try {
      const [header, parent, metadata, content] = parts.map(part => JSON.parse(part.toString('utf8')) as unknown)
      if (!isObject(header) || typeof header['msg_id'] !== 'string' || typeof header['msg_type'] !== 'string') {
        return { ignored: 'the header is not a Jupyter header' }
      }
      return {
        identities: frames.slice(0, at),
        header: header as unknown as Header,
        parentId: isObject(parent) && typeof parent['msg_id'] === 'string' ? parent['msg_id'] : undefined,
        subshellId: typeof header['subshell_id'] === 'string' ? header['subshell_id'] : undefined,
        metadata: isObject(metadata) ? metadata : {},
        content: isObject(content) ? content : {},
        buffers: frames.slice(at + 6),
      }
    } catch {
      return { ignored: 'a frame is not JSON' }
    }
  }

  #sign(parts: readonly Buffer[]): string {
    if (this.#key === '') return ''
    const hmac = createHmac('sha256', this.#key)
    for (const part of parts) hmac.update(part)
    return hmac.digest('hex')
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** JSON a Python client accepts: bigint becomes text, lone surrogates become U+FFFD (json.loads takes them, encoding does not). */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value, bigintAsText)
  if (!/\\u[dD][89a-fA-F]/.test(text)) return text
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'string' ? wellFormed(inner) : bigintAsText(_key, inner),
  )
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd')
}
