/**
 * A conversation with a kernel as text that can be compared: each request with what came on iopub in order, then its reply. Ids,
 * folders and process numbers become words, everything else stays as it was sent.
 *
 *     > shell execute_request {"code":"6*7"}
 *       iopub status {"execution_state":"busy"}
 *       …
 *       shell execute_reply {"status":"ok",…}
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Channel, Message, StartedKernel } from './client.ts'

const folder = join(import.meta.dirname, 'transcripts')
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

export interface RequestOptions {
  readonly header?: object
  readonly metadata?: object
  /** Done between sending and waiting for the reply: an answer to a prompt, a Stop. */
  readonly meanwhile?: (id: string) => Promise<void>
  /** Comm messages have no reply. */
  readonly replied?: boolean
  /** Fields of big lists of which the transcript keeps these first elements only. */
  readonly shortened?: Readonly<Record<string, number>>
}

export class Transcript {
  readonly kernel: StartedKernel
  readonly #lines: string[] = []
  readonly #names = new Map<string, string>()

  constructor(kernel: StartedKernel) {
    this.kernel = kernel
  }

  /** Sends a request, waits for reply and idle, and writes down what belongs to it. */
  async ask(
    channel: Channel,
    type: string,
    content: object,
    options: RequestOptions = {},
  ): Promise<Message | undefined> {
    const { client } = this.kernel
    const { header, metadata } = options
    const id = client.send(channel, type, content, {
      ...(header === undefined ? {} : { header }),
      ...(metadata === undefined ? {} : { metadata }),
    })
    this.note(`> ${channel} ${type} ${this.#json(content)}${header === undefined ? '' : ` ${this.#json(header)}`}`)
    await options.meanwhile?.(id)
    const reply = options.replied === false ? undefined : await client.reply(id)
    await client.idle(id)
    for (const message of client.of(id)) this.message(message, options)
    if (reply !== undefined) this.message(reply, options)
    return reply
  }

  async execute(code: string, content: object = {}, options: RequestOptions = {}): Promise<Message | undefined> {
    const plain = { silent: false, store_history: true, user_expressions: {}, allow_stdin: false, stop_on_error: true }
    return await this.ask('shell', 'execute_request', { code, ...plain, ...content }, options)
  }

  message({ channel, header, content, buffers }: Message, { shortened = {} }: RequestOptions = {}): void {
    const kept = Object.fromEntries(
      Object.entries(content).map(([name, value]) => {
        const limit = shortened[name]
        return [name, limit !== undefined && Array.isArray(value) ? value.slice(0, limit) : (value as unknown)]
      }),
    )
    const attached = buffers.length === 0 ? '' : ` +${buffers.length} buffers`
    this.note(`  ${channel} ${header.msg_type} ${this.#json(kept)}${attached}`)
  }

  note(line: string): void {
    this.#lines.push(line)
  }

  /** Compares with the golden file; UPDATE_GOLDEN=1 writes it, and its diff is read. */
  check(name: string): void {
    const path = join(folder, `${name}.txt`)
    const text = `${this.#lines.join('\n')}\n`
    if (process.env['UPDATE_GOLDEN'] === '1' && process.env['CI'] === undefined) writeFileSync(path, text)
    assert.ok(existsSync(path), `run UPDATE_GOLDEN=1 once for ${name}`)
    assert.equal(text, readFileSync(path, 'utf8'))
  }

  #json(value: unknown): string {
    return JSON.stringify(value)
      .replaceAll(this.kernel.folder, 'FOLDER')
      .replace(UUID, id => {
        const name = this.#names.get(id) ?? `<id ${this.#names.size + 1}>`
        this.#names.set(id, name)
        return name
      })
  }
}

/** Every message type that stands in a golden file. */
export function typesIn(names: readonly string[]): Set<string> {
  const lines = names.flatMap(name => readFileSync(join(folder, `${name}.txt`), 'utf8').split('\n'))
  return new Set(lines.flatMap(line => /^(?:> | {2})\w+ (\w+)/.exec(line)?.[1] ?? []))
}
