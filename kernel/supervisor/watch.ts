/**
 * The line to the cells' watcher thread: a Unix socket in the kernel's private folder that the thread connects to. A busy loop
 * blocks the child's IPC channel, never this. One line per interrupt: `interrupt <requestId>`; the thread ends the
 * process when the socket closes, so a blocked cells process does not outlive the kernel.
 */
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'

export class WatchLine {
  readonly path: string
  readonly #server: Server
  #sockets = new Set<Socket>()
  /** Interrupts that came before the thread was connected. */
  #early: string[] = []

  constructor(path: string) {
    this.path = path
    this.#server = createServer(socket => {
      this.#sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => this.#sockets.delete(socket))
      socket.resume()
      for (const line of this.#early.splice(0)) socket.write(line)
    })
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.path, resolve)
    })
    this.#server.unref()
  }

  interrupt(requestId: string): void {
    const line = `interrupt ${requestId}\n`
    if (this.#sockets.size === 0) this.#early.push(line)
    for (const socket of this.#sockets) socket.write(line)
  }

  /** Nothing runs, but a timer of an earlier cell may loop. */
  interruptIdle(): void {
    for (const socket of this.#sockets) socket.write('interrupt idle\n')
  }

  forget(): void {
    this.#early = []
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }
}
