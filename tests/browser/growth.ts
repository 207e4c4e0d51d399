/** What must not grow while charts run on: nodes nobody shows, the server's memory. And for how long it is watched. */
import { execFileSync } from 'node:child_process'
import type { CDPSession, Page } from 'playwright-core'

/** SOAK_MINUTES, or an hour with LONG=1, or `short`. */
export function soakSeconds(short: number): number {
  const minutes = process.env['SOAK_MINUTES']
  if (minutes !== undefined) return Number(minutes) * 60
  return process.env['LONG'] === '1' ? 3600 : short
}

/** What the heap of a page may breathe in a minute; in an hour it may have grown by five times that. */
export function heapLimitBytes(seconds: number): number {
  return (seconds > 60 ? 5 : 1) * 1024 * 1024
}

/** Waits in the page's own time: a busy machine draws fewer frames, not another number of seconds. */
export function pass(page: Page, seconds: number): Promise<void> {
  return page.evaluate(ms => new Promise<void>(resolve => setTimeout(resolve, ms)), seconds * 1000)
}

/**
 * Counts again, second by second, until `fine`: a request of JupyterLab that is under way holds a listener for a moment, what grows never
 * goes back. Gives the last count, fine or not.
 */
export async function settled<T>(page: Page, count: () => Promise<T>, fine: (counted: T) => boolean): Promise<T> {
  let counted = await count()
  for (let again = 0; again < 30 && !fine(counted); again++) {
    await pass(page, 1)
    counted = await count()
  }
  return counted
}

/** Nodes that Chromium counts, after a forced collection, beyond those that stand in the page. Nothing may move meanwhile. */
export async function detachedNodes(page: Page, session: CDPSession): Promise<number> {
  for (let i = 0; i < 3; i++) await session.send('HeapProfiler.collectGarbage')
  const { nodes } = await session.send('Memory.getDOMCounters')
  return nodes - (await shownNodes(page))
}

function shownNodes(page: Page): Promise<number> {
  return page.evaluate(() => {
    let count = 0
    const rooms: Room[] = [document]
    for (let room = rooms.pop(); room !== undefined; room = rooms.pop()) {
      const walker = document.createTreeWalker(room)
      for (let node: Room | null = walker.currentNode; node !== null; node = walker.nextNode()) {
        count++
        if (node.shadowRoot) rooms.push(node.shadowRoot)
      }
    }
    return count
  })
}

/** Memory of a process in bytes, what it shares counted too. */
export function residentBytes(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).trim()) * 1024
}

interface Room {
  readonly shadowRoot?: Room | null
}
declare const document: Room & {
  createTreeWalker(root: Room): { readonly currentNode: Room; nextNode(): Room | null }
}
