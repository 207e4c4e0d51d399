/**
 * A Jupyter client over raw sockets that shares no code with the kernel: it signs and parses frames by itself and records
 * what arrives in order. Waiting is always for a message, with a hang limit; nothing here sleeps.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createHmac, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { curveKeyPair, Dealer, Request, Subscriber } from 'zeromq'
import { kernelMain } from './built.ts'
import { wrongWith } from './message-schema.ts'

/** Parsed JSON of the other side; a test says what it expects of it. */
export type Loose = ReturnType<typeof JSON.parse>

export interface Message {
  readonly channel: 'shell' | 'control' | 'stdin' | 'iopub'
  readonly header: {
    readonly msg_id: string
    readonly msg_type: string
    readonly session: string
    readonly date: string
    readonly version: string
  }
  readonly parent: { readonly msg_id?: string; readonly msg_type?: string }
  readonly content: Record<string, Loose>
  readonly metadata: Record<string, unknown>
  readonly buffers: readonly Buffer[]
}

export type Channel = 'shell' | 'control' | 'stdin'

/** Everything that hangs fails here, with the messages seen so far. */
export const HANG_MS = 30_000

export class Client {
  readonly session = randomUUID()
  readonly received: Message[] = []
  /** What came and is not as the messaging specification says; `stop` of the kernel fails on it. */
  readonly invalid: string[] = []
  readonly sockets: Record<Channel, Dealer>
  readonly subscriber: Subscriber
  readonly ports: Ports
  readonly #key: string
  #waiters: (() => void)[] = []
  #sending: Promise<void> = Promise.resolve()

  constructor(ports: Ports, key: string, serverKey?: string, subscribed = true) {
    this.ports = ports
    this.#key = key
    const own = serverKey === undefined ? undefined : curveKeyPair()
    const curve =
      own === undefined
        ? {}
        : { curveServerKey: serverKey!, curvePublicKey: own.publicKey, curveSecretKey: own.secretKey }
    this.subscriber = new Subscriber({ receiveHighWaterMark: 0, ...curve })
    const options = { ...curve, routingId: this.session, linger: 0, receiveHighWaterMark: 0 }
    this.sockets = { shell: new Dealer(options), control: new Dealer(options), stdin: new Dealer(options) }
    for (const channel of ['shell', 'control', 'stdin'] as const) {
      this.sockets[channel].connect(address(ports, channel))
      void this.#read(channel, this.sockets[channel])
    }
    if (subscribed) this.subscribe()
  }

  subscribe(): void {
    this.subscriber.connect(address(this.ports, 'iopub'))
    this.subscriber.subscribe('')
    void this.#read('iopub', this.subscriber)
  }

  /** Sends a request and gives its msg_id. */
  send(
    channel: Channel,
    type: string,
    content: object,
    extra: { metadata?: object; parent?: object; buffers?: Buffer[]; header?: object } = {},
  ): string {
    const id = randomUUID()
    this.sendFrames(channel, [...this.frames(id, type, content, extra), ...(extra.buffers ?? [])])
    return id
  }

  frames(
    id: string,
    type: string,
    content: object,
    extra: { metadata?: object; parent?: object; key?: string; header?: object } = {},
  ): Buffer[] {
    const header = {
      msg_id: id,
      msg_type: type,
      session: this.session,
      username: 'test',
      date: new Date(0).toISOString(),
      version: '5.5',
      ...extra.header,
    }
    const parts = [header, extra.parent ?? {}, extra.metadata ?? {}, content].map(part =>
      Buffer.from(JSON.stringify(part)),
    )
    const hmac = createHmac('sha256', extra.key ?? this.#key)
    for (const part of parts) hmac.update(part)
    return [Buffer.from('<IDS|MSG>'), Buffer.from(hmac.digest('hex')), ...parts]
  }

  sendFrames(channel: Channel, frames: Buffer[]): void {
    this.#sending = this.#sending.then(() => this.sockets[channel].send(frames))
  }

  execute(code: string, options: Record<string, unknown> = {}, metadata: object = {}, header: object = {}): string {
    const content = {
      code,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: false,
      stop_on_error: true,
      ...options,
    }
    return this.send('shell', 'execute_request', content, { metadata, header })
  }

  /** The first message, past or future, that the check accepts. */
  async until(check: (message: Message) => boolean, what = 'a message', limitMs = HANG_MS): Promise<Message> {
    let at = 0
    const deadline = performance.now() + limitMs
    for (;;) {
      for (; at < this.received.length; at += 1)
        if (check(this.received[at] as Message)) return this.received[at] as Message
      const left = deadline - performance.now()
      if (left <= 0)
        throw new Error(
          `waited ${limitMs} ms for ${what}; last messages:\n${this.received.slice(-20).map(describe).join('\n')}`,
        )
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, left)
        this.#waiters.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  async reply(id: string, limitMs?: number): Promise<Message> {
    return await this.until(
      message =>
        message.channel !== 'iopub' && message.parent.msg_id === id && message.header.msg_type.endsWith('_reply'),
      `the reply to ${id}`,
      limitMs,
    )
  }

  async idle(id: string, limitMs?: number): Promise<void> {
    await this.until(message => isStatus(message, 'idle') && message.parent.msg_id === id, `idle of ${id}`, limitMs)
  }

  /** Runs a cell to its end: the reply, and what came on iopub for it in order. */
  async run(
    code: string,
    options: Record<string, unknown> = {},
    metadata: object = {},
  ): Promise<{ id: string; reply: Message; iopub: Message[] }> {
    const id = this.execute(code, options, metadata)
    const reply = await this.reply(id)
    await this.idle(id)
    return { id, reply, iopub: this.of(id) }
  }

  async ask(channel: Channel, type: string, content: object = {}): Promise<Message> {
    const id = this.send(channel, type, content)
    const reply = await this.reply(id)
    await this.idle(id)
    return reply
  }

  /** iopub messages of one request so far. */
  of(id: string): Message[] {
    return this.received.filter(message => message.channel === 'iopub' && message.parent.msg_id === id)
  }

  text(id: string, name: 'stdout' | 'stderr' = 'stdout'): string {
    return this.of(id)
      .filter(message => message.header.msg_type === 'stream' && message.content['name'] === name)
      .map(message => message.content['text'] as string)
      .join('')
  }

  async heartbeat(bytes: string): Promise<string> {
    const socket = new Request({ linger: 0 })
    socket.connect(address(this.ports, 'hb'))
    await socket.send(bytes)
    const [echo] = await socket.receive()
    socket.close()
    return (echo as Buffer).toString()
  }

  close(): void {
    for (const socket of [...Object.values(this.sockets), this.subscriber]) socket.close()
  }

  async #read(channel: Message['channel'], socket: AsyncIterable<Buffer[]>): Promise<void> {
    try {
      for await (const frames of socket) {
        const at = frames.findIndex(frame => frame.toString() === '<IDS|MSG>')
        const [header, parent, metadata, content] = frames
          .slice(at + 2, at + 6)
          .map(part => JSON.parse(part.toString()) as never)
        this.received.push({
          channel,
          header: header!,
          parent: parent!,
          metadata: metadata!,
          content: content!,
          buffers: frames.slice(at + 6),
        })
        const wrong = wrongWith(this.received.at(-1) as Message)
        if (wrong !== undefined) this.invalid.push(wrong)
        for (const waiter of this.#waiters.splice(0)) waiter()
      }
    } catch {
      // Closed.
    }
  }
}

export function isStatus(message: Message, state: string): boolean {
  return message.header.msg_type === 'status' && message.content['execution_state'] === state
}

export function describe(message: Message): string {
  return `${message.channel} ${message.header.msg_type} ${JSON.stringify(message.content).slice(0, 200)}`
}

export interface Ports {
  readonly transport: 'tcp' | 'ipc'
  readonly ip: string
  readonly shell: number
  readonly control: number
  readonly stdin: number
  readonly iopub: number
  readonly hb: number
}

function address(ports: Ports, name: 'shell' | 'control' | 'stdin' | 'iopub' | 'hb'): string {
  return ports.transport === 'ipc' ? `ipc://${ports.ip}-${ports[name]}` : `tcp://${ports.ip}:${ports[name]}`
}

export interface StartedKernel {
  readonly client: Client
  readonly process: ChildProcess
  readonly connectionFile: string
  /** Where the kernel runs. */
  readonly folder: string
  readonly key: string
  readonly ports: Ports
  /** Resolves with exit code or signal. */
  readonly exited: Promise<number | string>
  /** Another client of the same kernel. */
  connect(): Client
  stop(): Promise<void>
}

export interface StartOptions {
  readonly transport?: 'tcp' | 'ipc'
  readonly environment?: Record<string, string>
  readonly cwd?: string
  /** CurveZMQ: the connection file carries the server's keys. */
  readonly curve?: boolean
  /** False: the client subscribes to iopub when it is told to. */
  readonly subscribed?: boolean
  /** Another kernel than ours: its command, for comparisons. What it sends is not held against the specification. */
  readonly command?: (connectionFile: string) => readonly string[]
}

/** Starts what Jupyter starts: the built kernel with a connection file. */
export async function startKernel(options: StartOptions = {}): Promise<StartedKernel> {
  const folder = mkdtempSync(join(tmpdir(), 'riffle-test-'))
  const transport = options.transport ?? 'tcp'
  const numbers = transport === 'ipc' ? [1, 2, 3, 4, 5] : await freePorts(5)
  const [shell, control, stdin, iopub, hb] = numbers as [number, number, number, number, number]
  const ports: Ports = {
    transport,
    ip: transport === 'ipc' ? join(folder, 'k') : '127.0.0.1',
    shell,
    control,
    stdin,
    iopub,
    hb,
  }
  const key = randomUUID()
  const server = options.curve === true ? curveKeyPair() : undefined
  const connectionFile = join(folder, 'connection.json')
  const fields = {
    shell_port: shell,
    control_port: control,
    stdin_port: stdin,
    iopub_port: iopub,
    hb_port: hb,
    ip: ports.ip,
    transport,
    key,
    signature_scheme: 'hmac-sha256',
    kernel_name: 'riffle',
    ...(server === undefined ? {} : { curve_publickey: server.publicKey, curve_secretkey: server.secretKey }),
  }
  writeFileSync(connectionFile, JSON.stringify(fields))
  const [program = '', ...args] = options.command?.(connectionFile) ?? [
    process.execPath,
    await kernelMain(),
    connectionFile,
  ]
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', process.env['RIFFLE_TEST_LOG'] === undefined ? 'ignore' : 'inherit'],
    cwd: options.cwd ?? folder,
    env: { ...process.env, JPY_PARENT_PID: String(process.pid), RIFFLE_HISTORY: '', ...options.environment },
  })
  const exited = new Promise<number | string>(resolve =>
    child.once('exit', (code, signal) => resolve(signal ?? code ?? 0)),
  )
  const clients: Client[] = []
  const connect = (): Client => {
    const client = new Client(ports, key, server?.publicKey, options.subscribed)
    clients.push(client)
    return client
  }
  return {
    client: connect(),
    process: child,
    connectionFile,
    folder: options.cwd ?? folder,
    key,
    ports,
    exited,
    connect,
    async stop() {
      for (const client of clients) client.close()
      child.kill('SIGTERM')
      const limit = options.command === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), 2000)
      await exited
      clearTimeout(limit)
      rmSync(folder, { recursive: true, force: true })
      const invalid = clients.flatMap(each => each.invalid)
      if (invalid.length > 0 && options.command === undefined)
        throw new Error(`${invalid.length} messages are not as specified:\n${invalid.slice(0, 5).join('\n')}`)
    },
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      return server
    }),
  )
  const ports = servers.map(server => (server.address() as { port: number }).port)
  await Promise.all(servers.map(async server => await new Promise(resolve => server.close(resolve))))
  return ports
}
