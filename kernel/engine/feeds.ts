/**
 * Rows the notebook pushes. Everything pushed is kept in one order over all feeds, so a stream that starts later, or starts
 * again, sees the same events in the same order as one that was there. A push resolves when every reader has handled it.
 */
import { StreamError } from '../../stream/errors.ts'
import type { SourceEvent } from '../../stream/model.ts'
import { recordCount } from './slices.ts'

const KEPT_ROWS = 1_000_000

interface Pushed {
  readonly id: string
  readonly event: SourceEvent
}

interface Reader {
  /** Sources by feed; a stream joined with itself reads one feed twice. */
  readonly sources: ReadonlyMap<string, readonly number[]>
  handle(source: number, event: SourceEvent): Promise<void>
}

export class Feeds {
  private readonly ended = new Set<string>()
  private pushed: Pushed[] = []
  private keptRows = 0
  /** Feeds whose oldest rows were let go of. */
  private readonly forgotten = new Set<string>()
  private readonly readers = new Set<Reader>()

  /** Resolves when all who read the feed have handled the event. */
  async push(id: string, event: SourceEvent): Promise<void> {
    if (this.ended.has(id)) {
      throw new StreamError({
        code: 'STREAM_STOPPED',
        message: 'Cannot push into the feed: its end was told',
        hint: 'Make a new feed()',
      })
    }
    if (event.kind === 'end') this.ended.add(id)
    this.pushed.push({ id, event })
    this.keptRows += recordCount(event)
    if (this.keptRows > KEPT_ROWS) this.forgetOld()
    const handled: Promise<void>[] = []
    for (const reader of this.readers) {
      for (const source of reader.sources.get(id) ?? []) handled.push(reader.handle(source, event))
    }
    await Promise.all(handled)
  }

  /** Gives a reader all events of its feeds, from the first one on. Returns what takes it off again. */
  attach(reader: Reader): () => void {
    for (const id of reader.sources.keys()) {
      if (!this.forgotten.has(id)) continue
      throw new StreamError({
        code: 'POSITION_INVALID',
        message: 'Cannot start reading the feed: its first rows are no longer kept',
        detail: `All feeds together keep their newest ${KEPT_ROWS} rows`,
        hint: 'Start the stream before pushing, or write the rows to a topic',
      })
    }
    // Handled in order by the reader itself, so history and what is pushed meanwhile cannot overtake each other.
    for (const { id, event } of this.pushed) {
      for (const source of reader.sources.get(id) ?? []) void reader.handle(source, event)
    }
    this.readers.add(reader)
    return () => void this.readers.delete(reader)
  }

  /** Lets go of the older half at once: taking one by one from the front would copy the rest each time. */
  private forgetOld(): void {
    let at = 0
    while (this.keptRows > KEPT_ROWS / 2 && at < this.pushed.length - 1) {
      const { id, event } = this.pushed[at++]!
      this.forgotten.add(id)
      this.keptRows -= recordCount(event)
    }
    this.pushed = this.pushed.slice(at)
  }
}
