/** A look at the newest records of a topic for the side panel: a short read of its own, which ends at the end of the topic as it is now. */
import { peekLine } from '../../stream/charts/peek.ts'
import { StreamError } from '../../stream/errors.ts'
import type { PeekAnswer } from '../../stream/charts/hub.ts'
import type { Subscriptions } from './subscriptions.ts'

const RECORDS = 5
/** A broker that does not answer keeps nobody waiting. */
const LIMIT_MS = 10_000

export class Peeks {
  private readonly subscriptions: Subscriptions
  /** Who asks while the same topic is being read is given the same answer. */
  private readonly reading = new Map<string, Promise<PeekAnswer>>()

  constructor(subscriptions: Subscriptions) {
    this.subscriptions = subscriptions
  }

  look(connection: string, topic: string): Promise<PeekAnswer> {
    const key = JSON.stringify([connection, topic])
    let running = this.reading.get(key)
    if (running === undefined) {
      running = this.read(connection, topic).finally(() => this.reading.delete(key))
      this.reading.set(key, running)
    }
    return running
  }

  private async read(connection: string, topic: string): Promise<PeekAnswer> {
    const id = this.subscriptions.subscribe(
      { op: 'topic', connection, topic, options: { from: `-${RECORDS}` } },
      { bounded: true },
      this,
    )
    let late = false
    const limit = setTimeout(() => {
      late = true
      void this.subscriptions.close(id)
    }, LIMIT_MS)
    const lines: string[] = []
    try {
      for (let chunk = await this.subscriptions.rows(id); chunk !== null; chunk = await this.subscriptions.rows(id))
        lines.push(...chunk.rows.map(peekLine))
    } catch (error) {
      if (!late) return { lines: [], problem: problemOf(error) }
    } finally {
      clearTimeout(limit)
      await this.subscriptions.close(id)
    }
    if (late && lines.length === 0) return { lines, problem: `no record came within ${LIMIT_MS / 1000} s` }
    return { lines: lines.slice(-RECORDS), problem: null }
  }
}

function problemOf(error: unknown): string {
  if (!(error instanceof StreamError)) return error instanceof Error ? error.message : String(error)
  return error.hint === undefined ? error.message : `${error.message}. ${error.hint}`
}
