/** Jupyter comms for the user's own targets (widgets, panels): the supervisor routes, handlers run in the cell that registered them. */
import { randomUUID } from 'node:crypto'
import type { Channel } from './channel.ts'
import type { CommMessage } from './protocol.ts'
import { underRequest, type Runs } from './run.ts'

export interface Comm {
  readonly id: string
  readonly target: string
  on(event: 'message', handler: (data: unknown, buffers: readonly Uint8Array[]) => void): Comm
  on(event: 'close', handler: (data: unknown) => void): Comm
  send(data: unknown, buffers?: readonly Uint8Array[]): void
  close(data?: unknown): void
}

export type CommOpened = (comm: Comm, data: unknown, buffers: readonly Uint8Array[]) => void

export interface Comms {
  /** Calls `opened` for each comm the frontend opens on `target`. */
  register(target: string, opened: CommOpened): void
  /** Opens a comm from the kernel's side. */
  open(target: string, data?: unknown, buffers?: readonly Uint8Array[]): Comm
}

type Within = <T>(f: () => T) => T

interface Live extends Comm {
  message(data: unknown, buffers: readonly Uint8Array[]): void
  closed(data: unknown): void
}

export interface CommRouter {
  readonly comms: Comms
  receive(message: CommMessage): void
}

export function createComms(channel: Channel, runs: Runs): CommRouter {
  const targets = new Map<string, { readonly opened: CommOpened; readonly within: Within }>()
  const live = new Map<string, Live>()

  let parentId = ''
  /** Handlers are stopped with the cell that set them up; what they print and send belongs to the comm's message. */
  const context = (): Within => {
    const run = runs.own ?? runs.current
    return f => (run === undefined ? f() : runs.within(underRequest(run, parentId), f))
  }
  const send = (
    kind: CommMessage['kind'],
    comm: { id: string; target: string },
    content: unknown,
    buffers?: readonly Uint8Array[],
  ): void =>
    channel.send({
      type: 'comm',
      kind,
      commId: comm.id,
      targetName: comm.target,
      parentId: runs.parentId,
      content,
      buffers,
    })

  const make = (id: string, target: string): Live => {
    const onMessage: ((data: unknown, buffers: readonly Uint8Array[]) => void)[] = []
    const onClose: ((data: unknown) => void)[] = []
    const comm: Live = {
      id,
      target,
      on(event: 'message' | 'close', handler: (data: unknown, buffers: readonly Uint8Array[]) => void) {
        const within = context()
        if (event === 'message') onMessage.push((data, buffers) => within(() => handler(data, buffers)))
        else onClose.push(data => within(() => handler(data, [])))
        return comm
      },
      send: (data, buffers) => send('msg', comm, data, buffers),
      close: data => {
        if (live.delete(id)) send('close', comm, data ?? {})
      },
      message: (data, buffers) => onMessage.forEach(handler => handler(data, buffers)),
      closed: data => {
        live.delete(id)
        onClose.forEach(handler => handler(data))
      },
    }
    live.set(id, comm)
    return comm
  }
  return {
    comms: {
      register: (target, opened) => void targets.set(target, { opened, within: context() }),
      open: (target, data, buffers) => {
        const comm = make(randomUUID(), target)
        send('open', comm, data ?? {}, buffers)
        return comm
      },
    },
    receive: message => {
      parentId = message.parentId
      const buffers = message.buffers ?? []
      if (message.kind === 'open') {
        const target = targets.get(message.targetName ?? '')
        const comm = make(message.commId, message.targetName ?? '')
        if (target === undefined) return comm.close()
        return target.within(() => target.opened(comm, message.content, buffers))
      }
      const comm = live.get(message.commId)
      if (message.kind === 'close') comm?.closed(message.content)
      else comm?.message(message.content, buffers)
    },
  }
}
