/**
 * The one way out of the cells process. Printed text of one cell is merged while it comes in a flood (more than a handful of
 * writes within a few milliseconds); a single line goes out at once, because a loop below it would keep any timer waiting.
 */
import type { FromCells } from './protocol.ts'

const WINDOW_MS = 15
/** Writes within one window that still go out one by one. */
const SINGLE_WRITES = 32
const MERGED_LENGTH = 16_384

export type Send = (message: FromCells) => void

export interface Channel {
  send(message: FromCells): void
  print(parentId: string, name: 'stdout' | 'stderr', text: string): void
  flush(): void
}

export function createChannel(write: Send): Channel {
  let pending: { parentId: string; name: 'stdout' | 'stderr'; parts: string[]; length: number } | undefined
  let windowStart = 0
  let writes = 0
  let timer: NodeJS.Timeout | undefined

  const flush = (): void => {
    if (timer !== undefined) clearTimeout(timer)
    timer = undefined
    if (pending === undefined) return
    const { parentId, name, parts } = pending
    pending = undefined
    write({ type: 'stream', parentId, name, text: parts.join('') })
  }
  const print = (parentId: string, name: 'stdout' | 'stderr', text: string): void => {
    if (text === '') return
    const now = performance.now()
    if (now - windowStart > WINDOW_MS) {
      windowStart = now
      writes = 0
      flush()
    }
    writes++
    if (pending !== undefined && (pending.parentId !== parentId || pending.name !== name)) flush()
    if (writes <= SINGLE_WRITES && pending === undefined) return write({ type: 'stream', parentId, name, text })
    pending ??= { parentId, name, parts: [], length: 0 }
    pending.parts.push(text)
    pending.length += text.length
    if (pending.length > MERGED_LENGTH) flush()
    else if (timer === undefined) {
      timer = setTimeout(flush, WINDOW_MS)
      timer.unref()
    }
  }
  return {
    print,
    flush,
    send: message => {
      flush()
      write(message)
    },
  }
}
