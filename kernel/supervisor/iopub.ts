/**
 * Everything a notebook sees goes through here, in one order.
 *
 * Stream text is merged for up to 25 ms: a browser's server drops output above about 1,000 messages a second, and one message per
 * line is slow everywhere. Display *updates* with the same id are conflated in the same time: the latest wins. Whatever
 * else is published flushes both first, so order is kept and idle comes after the last output.
 */
import type { Header, Json, Outgoing } from './message.ts'

const MERGE_MS = 25
/** A message larger than this makes clients stutter; longer text is cut into several messages. */
const CHUNK_CHARACTERS = 256 * 1024
/** More than this does not wait for its time: the pacer behind has to know how much there is before the cell prints on. */
const FLUSH_CHARACTERS = 32 * 1024

type Pending =
  | {
      readonly kind: 'stream'
      readonly parent: Header | undefined
      readonly name: 'stdout' | 'stderr'
      texts: string[]
      characters: number
    }
  | { readonly kind: 'update'; readonly displayId: string; message: Outgoing }

export class Iopub {
  readonly #publish: (message: Outgoing) => void
  readonly #publishFirst: (message: Outgoing) => void
  #pending: Pending[] = []
  /** Of all text that waits. */
  #characters = 0
  #timer: NodeJS.Timeout | undefined

  /** `publishFirst` is for what need not wait behind text that is paced. */
  constructor(publish: (message: Outgoing) => void, publishFirst = publish) {
    this.#publish = publish
    this.#publishFirst = publishFirst
  }

  stream(parent: Header | undefined, name: 'stdout' | 'stderr', text: string): void {
    if (text === '') return
    const last = this.#pending.at(-1)
    if (
      last?.kind === 'stream' &&
      last.name === name &&
      last.parent?.msg_id === parent?.msg_id &&
      last.characters < CHUNK_CHARACTERS
    ) {
      last.texts.push(text)
      last.characters += text.length
    } else {
      this.#pending.push({ kind: 'stream', parent, name, texts: [text], characters: text.length })
    }
    this.#characters += text.length
    if (this.#characters > FLUSH_CHARACTERS) this.flush()
    else this.#arm()
  }

  message(message: Outgoing): void {
    const displayId = message.type === 'update_display_data' ? displayIdOf(message.content) : undefined
    if (displayId !== undefined) {
      this.#pending = this.#pending.filter(pending => pending.kind !== 'update' || pending.displayId !== displayId)
      this.#pending.push({ kind: 'update', displayId, message })
      this.#arm()
      return
    }
    this.flush()
    this.#publish(message)
  }

  /** A frame of a chart: it belongs to no cell's output, so it passes what waits. */
  apart(message: Outgoing): void {
    this.#publishFirst(message)
  }

  status(parent: Header | undefined, state: 'starting' | 'busy' | 'idle'): void {
    this.message({ type: 'status', parent, content: { execution_state: state } })
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const pending = this.#pending
    this.#pending = []
    this.#characters = 0
    for (const one of pending) {
      if (one.kind === 'update') this.#publish(one.message)
      else
        for (const text of chunks(one.texts.join('')))
          this.#publish({ type: 'stream', parent: one.parent, content: { name: one.name, text } })
    }
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => this.flush(), MERGE_MS)
  }
}

function displayIdOf(content: Json): string | undefined {
  const transient = content['transient'] as Json | undefined
  const id = transient?.['display_id']
  return typeof id === 'string' ? id : undefined
}

function* chunks(text: string): Generator<string> {
  for (let at = 0; at < text.length;) {
    let end = Math.min(text.length, at + CHUNK_CHARACTERS)
    // Never cut a surrogate pair.
    if (end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end -= 1
    yield text.slice(at, end)
    at = end
  }
}
