/**
 * What was pushed into a feed, in order, for every consumer: each has a cursor of its own and starts at the oldest event kept.
 * A push resolves once all consumers attached have handled it.
 */
import type { SourceEvent } from '../model.ts'
import { StreamError } from '../errors.ts'

/** Rows a feed keeps for consumers that come later. */
export const FEED_KEPT_ROWS = 1_000_000

export interface FeedConsumer {
  /** Handles one event; the next one comes when it resolves. */
  deliver(event: SourceEvent): Promise<void> | void
}

interface Cursor {
  next: number
  paused: boolean
  closed: boolean
  busy: boolean
  readonly consumer: FeedConsumer
}

export interface FeedAttachment {
  pause(): void
  resume(): void
  /** Idempotent; nothing is delivered afterwards. */
  close(): void
  /** Events pushed but not handled yet. */
  lagCount(): number
}

export class FeedLog {
  ended = false
  private readonly id: string
  private readonly keptRows: number
  private events: SourceEvent[] = []
  /** Index of `events[0]` since the start. */
  private base = 0
  private rowCount = 0
  private readonly cursors = new Set<Cursor>()
  private waiters: { readonly until: number; readonly resolve: () => void }[] = []

  constructor(id: string, keptRows = FEED_KEPT_ROWS) {
    this.id = id
    this.keptRows = keptRows
  }

  /** Resolves when every consumer attached now has handled the event. */
  push(event: SourceEvent): Promise<void> {
    if (this.ended) {
      return Promise.reject(
        new StreamError({ code: 'STREAM_STOPPED', message: `Cannot push into feed "${this.id}": it has ended` }),
      )
    }
    this.events.push(event)
    if (event.kind === 'end') this.ended = true
    if (event.kind === 'rows') {
      this.rowCount += event.rows.length
      this.forgetOld()
    }
    const until = this.base + this.events.length
    for (const cursor of this.cursors) void this.run(cursor)
    return this.handled(until)
  }

  /** Starts delivering at the oldest event kept; `from` skips events already handled (restore). */
  attach(consumer: FeedConsumer, from = 0): FeedAttachment {
    const cursor: Cursor = { next: Math.max(from, this.base), paused: false, closed: false, busy: false, consumer }
    if (from < this.base) {
      throw new StreamError({
        code: 'POSITION_INVALID',
        message: `Cannot start reading feed "${this.id}": its first ${this.base} pushes are no longer kept`,
        detail: `A feed keeps its newest ${this.keptRows} rows`,
        hint: 'Start the stream before pushing, or write the rows to a topic',
      })
    }
    this.cursors.add(cursor)
    void this.run(cursor)
    return {
      pause: () => {
        cursor.paused = true
        this.settle()
      },
      resume: () => {
        cursor.paused = false
        void this.run(cursor)
      },
      close: () => {
        cursor.closed = true
        this.cursors.delete(cursor)
        this.settle()
      },
      lagCount: () => this.base + this.events.length - cursor.next,
    }
  }

  private async run(cursor: Cursor): Promise<void> {
    if (cursor.busy) return
    cursor.busy = true
    while (!cursor.paused && !cursor.closed && cursor.next < this.base + this.events.length) {
      const event = this.events[cursor.next - this.base] as SourceEvent
      const done = cursor.consumer.deliver(event)
      if (done !== undefined) await done
      cursor.next++
      this.settle()
    }
    cursor.busy = false
  }

  private handled(until: number): Promise<void> {
    if (this.least() >= until) return Promise.resolve()
    return new Promise(resolve => this.waiters.push({ until, resolve }))
  }

  private settle(): void {
    if (this.waiters.length === 0) return
    const least = this.least()
    const due = this.waiters.filter(w => w.until <= least)
    if (due.length === 0) return
    this.waiters = this.waiters.filter(w => w.until > least)
    for (const waiter of due) waiter.resolve()
  }

  /** A paused consumer holds nobody up: it catches up when it resumes. */
  private least(): number {
    let least = Infinity
    for (const cursor of this.cursors) if (!cursor.paused && cursor.next < least) least = cursor.next
    return least
  }

  private forgetOld(): void {
    while (this.rowCount > this.keptRows && this.events.length > 1) {
      const first = this.events[0] as SourceEvent
      const least = Math.min(...[...this.cursors].map(c => c.next), Infinity)
      // What an attached consumer has not handled yet is never forgotten; its producer waits for it.
      if (least <= this.base) return
      this.events.shift()
      this.base++
      if (first.kind === 'rows') this.rowCount -= first.rows.length
    }
  }
}
