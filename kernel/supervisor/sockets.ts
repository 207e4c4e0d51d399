/** The five sockets: bound to the given address only, unlimited queues, a heartbeat that echoes whatever it gets. */
import { randomUUID } from 'node:crypto'
import { unlinkSync } from 'node:fs'
import { Router, XPublisher } from 'zeromq'
import { addressOf } from './connection.ts'
import type { Connection, SocketName } from './connection.ts'
import type { Incoming, Outgoing, Wire } from './message.ts'
import { wallClock } from '../../stream/time/clock.ts'
import { Pacer } from './pacer.ts'
import { SendQueue } from './send-queue.ts'

export type Channel = 'shell' | 'control' | 'stdin'

export interface Sockets {
  /** Gives the msg_id it was sent with. */
  send(channel: Channel, message: Outgoing): string
  publish(message: Outgoing): void
  /** Does not wait behind text that is paced. */
  publishFirst(message: Outgoing): void
  /** Waits for everything queued, then closes. */
  close(): Promise<void>
}

export interface SocketHandlers {
  message(channel: Channel, message: Incoming): void
  ignored(channel: Channel, reason: string): void
  /** What is published has to wait (true), or no longer: told only when `paced`. */
  full(full: boolean): void
}

/** Jupyter clients may ask before they subscribe: from the first request on, what is published waits this long for a subscriber. */
const HOLD_MS = 3000

/** `paced`: a server is in between that drops output above its limits (pacer.ts). */
export async function bindSockets(
  connection: Connection,
  wire: Wire,
  handlers: SocketHandlers,
  paced: boolean,
): Promise<Sockets> {
  const routers = {
    shell: router(connection),
    control: router(connection),
    stdin: router(connection),
    hb: router(connection),
  }
  // Every subscription is reported, not only the first of its topic: each client gets its welcome.
  const iopub = new XPublisher({ sendHighWaterMark: 0, linger: 1000, verbosity: 'allSubs' })
  secure(iopub, connection)
  const all: readonly [SocketName, Router | XPublisher][] = [
    ...(Object.entries(routers) as [SocketName, Router][]),
    ['iopub', iopub],
  ]
  await Promise.all(all.map(([name, socket]) => socket.bind(addressOf(connection, name))))

  const queues = {
    shell: new SendQueue(routers.shell),
    control: new SendQueue(routers.control),
    stdin: new SendQueue(routers.stdin),
  }
  const heartbeat = new SendQueue(routers.hb)
  const published = new SendQueue(iopub, { held: true })
  const pacer = paced
    ? new Pacer({ clock: wallClock, send: frames => published.push(frames), onFull: full => handlers.full(full) })
    : undefined
  const framesOf = (message: Outgoing): Buffer[] =>
    wire.encode({ ...message, identities: [Buffer.from(`kernel.${wire.session}.${message.type}`)] })
  let hold: NodeJS.Timeout | undefined

  for (const channel of ['shell', 'control', 'stdin'] as const) {
    void readAll(routers[channel], frames => {
      hold ??= setTimeout(() => published.release(), HOLD_MS).unref()
      const message = wire.decode(frames)
      if ('ignored' in message) handlers.ignored(channel, message.ignored)
      else handlers.message(channel, message)
    })
  }
  void readAll(routers.hb, frames => heartbeat.push(frames))
  void readAll(iopub, ([frame]) => {
    // 1 + topic subscribes, 0 + topic unsubscribes. The welcome goes to the topic that subscribed.
    if (frame === undefined || frame[0] !== 1) return
    const welcome = wire.encode({
      type: 'iopub_welcome',
      content: { subscription: frame.toString('utf8', 1) },
      identities: [frame.subarray(1)],
    })
    if (published.held) published.release(welcome)
    else published.push(welcome)
  })

  return {
    send(channel, message) {
      const id = randomUUID()
      queues[channel].push(wire.encode(message, id))
      return id
    },
    publish(message) {
      if (pacer === undefined) published.push(framesOf(message))
      else pacer.push(message.type, framesOf(message), message.content['execution_state'] === 'idle')
    },
    publishFirst(message) {
      if (pacer === undefined) published.push(framesOf(message))
      else pacer.pass(message.type, framesOf(message))
    },
    async close() {
      pacer?.flush()
      published.release()
      await Promise.all([...Object.values(queues), published].map(queue => queue.drain()))
      for (const [name, socket] of all) {
        socket.close()
        if (connection.transport === 'ipc') removeFile(addressOf(connection, name).slice('ipc://'.length))
      }
    },
  }
}

function router(connection: Connection): Router {
  const socket = new Router({ sendHighWaterMark: 0, receiveHighWaterMark: 0, linger: 1000 })
  // A client that reconnects with the same identity takes over instead of being refused.
  socket.handover = true
  secure(socket, connection)
  return socket
}

function secure(socket: Router | XPublisher, connection: Connection): void {
  if (connection.ip.includes(':')) socket.ipv6 = true
  if (connection.curve === undefined) return
  socket.curveServer = true
  socket.curvePublicKey = connection.curve.publicKey
  socket.curveSecretKey = connection.curve.secretKey
}

async function readAll(socket: AsyncIterable<Buffer[]>, take: (frames: Buffer[]) => void): Promise<void> {
  try {
    for await (const frames of socket) take(frames)
  } catch {
    // The socket was closed while we waited for a message.
  }
}

function removeFile(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Already gone.
  }
}
