/**
 * JSON-RPC over the pipes of a language server:
 *
 *     Content-Length: N \r\n \r\n JSON
 *
 * Requests of the server are answered with null (it asks to register watchers), but for its settings.
 */
import type { Readable, Writable } from 'node:stream'

const SETTINGS = {
  suggest: { autoImports: false, includeCompletionsForImportStatements: false },
  preferences: { includeCompletionsForModuleExports: false },
}

interface Incoming {
  readonly id?: number | string
  readonly method?: string
  readonly params?: unknown
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string }
}

interface Waiting {
  resolve(result: unknown): void
  reject(error: Error): void
}

export class LanguageClient {
  readonly #input: Writable
  readonly #waiting = new Map<number, Waiting>()
  #chunks: Buffer[] = []
  #nextId = 1
  #closed = false

  constructor(output: Readable, input: Writable) {
    this.#input = input
    output.on('data', (chunk: Buffer) => this.#read(chunk))
    output.on('close', () => this.close())
    input.on('error', () => this.close())
  }

  async request(method: string, params: unknown): Promise<unknown> {
    if (this.#closed) throw new Error('the type server has ended')
    const id = this.#nextId++
    this.#write({ id, method, params })
    return await new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  notify(method: string, params: unknown): void {
    if (!this.#closed) this.#write({ method, params })
  }

  close(): void {
    this.#closed = true
    for (const { reject } of this.#waiting.values()) reject(new Error('the type server has ended'))
    this.#waiting.clear()
  }

  #write(message: object): void {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message })
    this.#input.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  }

  #read(chunk: Buffer): void {
    this.#chunks.push(chunk)
    for (;;) {
      const whole = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks)
      this.#chunks = [whole]
      const end = whole.indexOf('\r\n\r\n')
      if (end < 0) return
      const size = Number(/content-length: *(\d+)/i.exec(whole.toString('latin1', 0, end))?.[1] ?? 0)
      if (whole.length < end + 4 + size) return
      this.#chunks = [whole.subarray(end + 4 + size)]
      this.#receive(JSON.parse(whole.toString('utf8', end + 4, end + 4 + size)) as Incoming)
    }
  }

  /** Asked for settings, we turn off what searches every package for completions: it takes seconds. */
  #configuration(message: Incoming): unknown {
    if (message.method !== 'workspace/configuration') return null
    const items = (message.params as { items?: unknown[] }).items ?? []
    return items.map(() => SETTINGS)
  }

  #receive(message: Incoming): void {
    if (message.method !== undefined) {
      if (message.id !== undefined) this.#write({ id: message.id, result: this.#configuration(message) })
      return
    }
    const waiting = this.#waiting.get(message.id as number)
    if (waiting === undefined) return
    this.#waiting.delete(message.id as number)
    if (message.error === undefined) waiting.resolve(message.result)
    else waiting.reject(new Error(message.error.message))
  }
}
