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
  readonly reader: { run(): Promise<void> }
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
  /** When each event was pushed, counted over all feeds of a runtime. */
  private stamps: number[] = []
  private readonly stamp: () => number
  private rowCount = 0
  private readonly cursors = new Set<Cursor>()
  private waiters: { readonly until: number; readonly resolve: () => void }[] = []

  constructor(id: string, keptRows = FEED_KEPT_ROWS, stamp?: () => number) {
    this.id = id
    this.keptRows = keptRows
    this.stamp = stamp ?? (() => this.base + this.events.length)
  }

  /** Resolves when every consumer attached now has handled the event. */
  push(event: SourceEvent): Promise<void> {
    if (this.ended) {
      return Promise.reject(
        new StreamError({ code: 'STREAM_STOPPED', message: `Cannot push into feed "${this.id}": it has ended` }),
      )
    }
    this.stamps.push(this.stamp())
    this.events.push(event)
    if (event.kind === 'end') this.ended = true
    if (event.kind === 'rows') {
      this.rowCount += rowCountOf(event)
      this.forgetOld()
    }
    const until = this.base + this.events.length
    for (const cursor of this.cursors) void cursor.reader.run()
    return this.handled(until)
  }

  /** Starts delivering at the oldest event kept; `from` skips events already handled (restore). */
  attach(consumer: FeedConsumer, from = 0): FeedAttachment {
    return readInOrder([{ log: this, consumer, from }])
  }

  /** @internal A place in the log for a reader. */
  open(reader: Cursor['reader'], from: number): Cursor {
    if (from < this.base) {
      throw new StreamError({
        code: 'POSITION_INVALID',
        message: `Cannot start reading feed "${this.id}": its first ${this.base} pushes are no longer kept`,
        detail: `A feed keeps its newest ${this.keptRows} rows`,
        hint: 'Start the stream before pushing, or write the rows to a topic',
      })
    }
    const cursor: Cursor = { next: from, paused: false, reader }
    this.cursors.add(cursor)
    return cursor
  }

  /** @internal */
  close(cursor: Cursor): void {
    this.cursors.delete(cursor)
    this.settle()
  }

  /** @internal The next event of a cursor. */
  peek(cursor: Cursor): { readonly event: SourceEvent; readonly stamp: number } | undefined {
    const event = this.events[cursor.next - this.base]
    return event === undefined ? undefined : { event, stamp: this.stamps[cursor.next - this.base] as number }
  }

  /** @internal The cursor's event was handled, or the cursor was paused or goes on. */
  moved(cursor: Cursor, handled: number): void {
    cursor.next += handled
    this.settle()
  }

  lagCount(cursor: Cursor): number {
    return this.base + this.events.length - cursor.next
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
      this.stamps.shift()
      this.base++
      if (first.kind === 'rows') this.rowCount -= rowCountOf(first)
    }
  }
}

/**
 * Reads several feeds as one: events come in the order they were pushed in, over all of them, also to a reader that comes late.
 */
export function readInOrder(
  feeds: readonly { readonly log: FeedLog; readonly consumer: FeedConsumer; readonly from?: number | undefined }[],
): FeedAttachment {
  return new OrderedReader(feeds)
}

class OrderedReader implements FeedAttachment {
  private readonly places: readonly {
    readonly log: FeedLog
    readonly cursor: Cursor
    readonly consumer: FeedConsumer
  }[]
  private busy = false
  private stopped = false
  private paused = false

  constructor(feeds: Parameters<typeof readInOrder>[0]) {
    this.places = feeds.map(({ log, consumer, from }) => ({ log, consumer, cursor: log.open(this, from ?? 0) }))
    void this.run()
  }

  async run(): Promise<void> {
    if (this.busy) return
    this.busy = true
    for (;;) {
      const place = this.stopped || this.paused ? undefined : this.oldest()
      if (place === undefined) break
      const { log, cursor, consumer } = place
      const done = consumer.deliver(log.peek(cursor)?.event as SourceEvent)
      if (done !== undefined) await done
      log.moved(cursor, 1)
    }
    this.busy = false
  }

  pause(): void {
    this.setPaused(true)
  }

  resume(): void {
    this.setPaused(false)
    void this.run()
  }

  close(): void {
    this.stopped = true
    for (const { log, cursor } of this.places) log.close(cursor)
  }

  lagCount(): number {
    return this.places.reduce((sum, { log, cursor }) => sum + log.lagCount(cursor), 0)
  }

  private setPaused(paused: boolean): void {
    this.paused = paused
    for (const { log, cursor } of this.places) {
      cursor.paused = paused
      log.moved(cursor, 0)
    }
  }

  private oldest(): (typeof this.places)[number] | undefined {
    let oldest: (typeof this.places)[number] | undefined
    let least = Infinity
    for (const place of this.places) {
      const stamp = place.log.peek(place.cursor)?.stamp ?? Infinity
      if (stamp < least) {
        least = stamp
        oldest = place
      }
    }
    return oldest
  }
}

/** Rows that come as columns are not made to be counted. */
function rowCountOf(event: Extract<SourceEvent, { kind: 'rows' }>): number {
  return event.count ?? event.rows.length
}
