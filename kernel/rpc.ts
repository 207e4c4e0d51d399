/**
 * Symmetric remote calls between the processes of a kernel: requests with an answer, notices without.
 *
 *   supervisor <- child IPC -> engine      cells <- Unix socket -> engine
 *
 * Both ends look alike. Over a byte stream a frame is a 32-bit little-endian length followed by a v8-serialised message, so
 * bigint, Map, Set, Date and typed arrays pass; over child IPC the channel must be opened with `serialization: 'advanced'`
 * for the same reason. Requests are handed to their handlers in the order they were sent; answers come when they are ready.
 */
import { deserialize, serialize } from 'node:v8'
import type { Duplex } from 'node:stream'
import { StreamError } from '../stream/errors.ts'
import type { StreamErrorParts } from '../stream/errors.ts'

/** Carries messages one way and the other; messages of one direction keep their order. */
export interface Transport {
  send(message: unknown): void
  /** Called once, before the first message is due. */
  listen(onMessage: (message: unknown) => void, onClose: () => void): void
  close(): void
}

// Methods are declared with their plain result type; both ends may be asynchronous. (`never[]` lets any interface fit.)
type Methods<T> = { [M in keyof T]: T[M] extends (...args: never[]) => unknown ? T[M] : never }
type Answer<T> = T extends (...args: never[]) => infer R ? Awaited<R> : never
type Arguments<T> = T extends (...args: infer A) => unknown ? A : never

/** Handlers of an interface of methods: the same arguments, the result now or later. */
export type Handlers<T> = { [M in keyof T]: (...args: Arguments<T[M]>) => Answer<T[M]> | Promise<Answer<T[M]>> }

export interface Rpc<Remote, NoticeOut> {
  /** Asks the other side; rejects with its error, or with `gone` when the connection closes before the answer. */
  call<M extends keyof Methods<Remote> & string>(method: M, ...args: Arguments<Remote[M]>): Promise<Answer<Remote[M]>>
  /** Tells the other side; lost without a word when the connection is closed. */
  notify(notice: NoticeOut): void
  readonly closed: boolean
  /** Runs `f` once when the connection closes, at once if it is closed. */
  onClose(f: () => void): void
  close(): void
}

export interface RpcOptions<Local, NoticeIn> {
  /** Absent: this side answers nothing. */
  readonly handlers?: Handlers<Local> | undefined
  readonly onNotice?: ((notice: NoticeIn) => void) | undefined
  /** What pending and later calls reject with once the connection is closed. Default ENGINE_GONE. */
  readonly gone?: StreamErrorParts | undefined
}

type WireError =
  | { readonly kind: 'stream'; readonly parts: StreamErrorParts; readonly cause?: WireError | undefined }
  | { readonly kind: 'error'; readonly name: string; readonly message: string; readonly stack?: string | undefined }

type Wire =
  | { readonly t: 'q'; readonly id: number; readonly method: string; readonly args: readonly unknown[] }
  | { readonly t: 'a'; readonly id: number; readonly value?: unknown; readonly error?: WireError | undefined }
  | { readonly t: 'n'; readonly notice: unknown }

const ENGINE_GONE: StreamErrorParts = {
  code: 'ENGINE_GONE',
  message: 'Cannot reach the engine: its process has ended',
  hint: 'Run the cell again: the engine is started anew',
  retriable: true,
}

export function createRpc<Local, Remote, NoticeIn = never, NoticeOut = never>(
  transport: Transport,
  options: RpcOptions<Local, NoticeIn> = {},
): Rpc<Remote, NoticeOut> {
  const pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  const closers: (() => void)[] = []
  const gone = options.gone ?? ENGINE_GONE
  let nextId = 1
  let closed = false

  const handle = async (id: number, method: string, args: readonly unknown[]) => {
    let answer: Wire
    try {
      const handlers = options.handlers as Record<string, (...args: unknown[]) => unknown> | undefined
      const handler = handlers !== undefined && Object.hasOwn(handlers, method) ? handlers[method] : undefined
      if (handler === undefined)
        throw new StreamError({ code: 'INTERNAL', message: `Cannot answer "${method}": no such request` })
      const result = handler(...args)
      answer = { t: 'a', id, value: result instanceof Promise ? await result : result }
    } catch (error) {
      answer = { t: 'a', id, error: toWire(error) }
    }
    if (closed) return
    try {
      transport.send(answer)
    } catch (error) {
      // A value that cannot be serialised must fail its own call, not leave it pending for ever.
      transport.send({ t: 'a', id, error: toWire(error) } satisfies Wire)
    }
  }

  const receive = (message: unknown) => {
    const wire = message as Wire
    if (wire.t === 'q') void handle(wire.id, wire.method, wire.args)
    else if (wire.t === 'n') options.onNotice?.(wire.notice as NoticeIn)
    else if (wire.t === 'a') {
      const call = pending.get(wire.id)
      pending.delete(wire.id)
      if (wire.error === undefined) call?.resolve(wire.value)
      else call?.reject(fromWire(wire.error))
    }
  }

  const finish = () => {
    if (closed) return
    closed = true
    for (const call of pending.values()) call.reject(StreamError.from(gone))
    pending.clear()
    for (const f of closers.splice(0)) f()
  }

  transport.listen(receive, finish)
  return {
    call(method, ...args) {
      if (closed) return Promise.reject(StreamError.from(gone))
      const id = nextId++
      return new Promise((resolve, reject) => {
        pending.set(id, { resolve: resolve as (value: unknown) => void, reject })
        try {
          transport.send({ t: 'q', id, method, args } satisfies Wire)
        } catch (error) {
          pending.delete(id)
          reject(error as Error)
        }
      })
    },
    notify(notice) {
      if (!closed) transport.send({ t: 'n', notice } satisfies Wire)
    },
    get closed() {
      return closed
    },
    onClose(f) {
      if (closed) f()
      else closers.push(f)
    },
    close() {
      transport.close()
      finish()
    },
  }
}

function toWire(error: unknown): WireError {
  if (error instanceof StreamError) {
    return { kind: 'stream', parts: error.toJSON(), cause: error.cause === undefined ? undefined : toWire(error.cause) }
  }
  if (error instanceof Error) return { kind: 'error', name: error.name, message: error.message, stack: error.stack }
  return { kind: 'error', name: 'Error', message: String(error) }
}

function fromWire(wire: WireError): Error {
  if (wire.kind === 'stream') {
    return StreamError.from(wire.cause === undefined ? wire.parts : { ...wire.parts, cause: fromWire(wire.cause) })
  }
  const error = new Error(wire.message)
  error.name = wire.name
  if (wire.stack !== undefined) error.stack = wire.stack
  return error
}

/** Length-prefixed v8 frames over a socket or pipe. */
export function streamTransport(duplex: Duplex): Transport {
  let chunks: Buffer[] = []
  let length = 0
  return {
    send(message) {
      const body = serialize(message)
      const head = Buffer.allocUnsafe(4)
      head.writeUInt32LE(body.length)
      if (duplex.destroyed || duplex.writableEnded) return
      // One cork per frame: head and body leave as one packet instead of waiting for each other.
      duplex.cork()
      duplex.write(head)
      duplex.write(body)
      duplex.uncork()
    },
    listen(onMessage, onClose) {
      duplex.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        length += chunk.length
        // Chunks are joined only when a frame is whole: a large frame costs one copy, not one per chunk.
        while (length >= 4) {
          if (chunks[0]!.length < 4) chunks = [Buffer.concat(chunks)]
          const size = chunks[0]!.readUInt32LE(0)
          if (length < 4 + size) return
          const whole = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
          const rest = whole.subarray(4 + size)
          chunks = rest.length > 0 ? [rest] : []
          length = rest.length
          onMessage(deserialize(whole.subarray(4, 4 + size)))
        }
      })
      duplex.on('close', onClose)
      duplex.on('end', onClose)
      duplex.on('error', onClose)
    },
    close: () => void duplex.destroy(),
  }
}

/** What `process` (in a child) and `ChildProcess` (in the parent) have in common. */
export interface IpcEnd {
  send?:
    | ((message: never, handle?: undefined, options?: undefined, callback?: (error: Error | null) => void) => boolean)
    | undefined
  on(event: 'message', f: (message: unknown) => void): unknown
  on(event: 'disconnect', f: () => void): unknown
  disconnect?: (() => void) | undefined
  readonly connected: boolean
}

/** Messages over a child's IPC channel, which must have been opened with `serialization: 'advanced'`. */
export function ipcTransport(end: IpcEnd): Transport {
  return {
    send(message) {
      // The callback swallows EPIPE of a peer that is just ending; `disconnect` tells the same thing in order.
      if (end.connected) end.send?.(message as never, undefined, undefined, () => {})
    },
    listen(onMessage, onClose) {
      end.on('message', onMessage)
      end.on('disconnect', onClose)
      // The other side may have gone while this process was still loading: then nothing tells it any more.
      if (!end.connected) queueMicrotask(onClose)
    },
    close() {
      if (end.connected) end.disconnect?.()
    },
  }
}
