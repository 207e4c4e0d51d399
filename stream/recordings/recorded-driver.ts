/**
 * Gives a pipeline the events of a recorded source as they were, the idle partitions and params among them: nothing is decided
 * again, so a replay gives the bytes of the live run.
 */
import type { SourceEvent } from '../model.ts'
import type { Clock } from '../time/clock.ts'
import { nextTurn } from '../time/clock.ts'
import type { RecordedEvent } from './recording-file.ts'
import { Pace } from './pace.ts'

export interface RecordedReplay {
  readonly events: readonly RecordedEvent[]
  /** Which of the recorded sources this is. */
  readonly source: number
  /** Params go with one source only. */
  readonly params: Readonly<Record<string, unknown>> | undefined
  readonly speed: number
  readonly loop: boolean
}

export interface RecordedDriverOptions {
  readonly clock: Clock
  deliver(event: SourceEvent): Promise<void> | void
  param(name: string, value: unknown): Promise<void> | void
  onError(error: unknown): void
  /** Next offsets of a restored stream: what lies before them was handled. */
  readonly positions?: ReadonlyMap<number, bigint> | undefined
}

export class RecordedDriver {
  readonly done: Promise<void>
  readonly caughtUp: Promise<void>
  private readonly replay: RecordedReplay
  private readonly options: RecordedDriverOptions
  private readonly pace: Pace
  private stopped = false
  private paused = false
  private wake: (() => void) | undefined
  private left: number

  constructor(replay: RecordedReplay, options: RecordedDriverOptions) {
    this.replay = replay
    this.options = options
    this.pace = new Pace(options.clock, replay.speed)
    this.left = replay.events.filter(event => this.mine(event)).length
    this.done = this.run()
    this.caughtUp = this.done
  }

  private mine(event: RecordedEvent): boolean {
    return event.kind === 'param' ? this.replay.params !== undefined : event.source === this.replay.source
  }

  private async run(): Promise<void> {
    const { deliver, param, onError } = this.options
    try {
      do {
        this.pace.restart()
        for (const [name, value] of Object.entries(this.replay.params ?? {})) await param(name, value)
        for (const event of this.replay.events) {
          if (!this.mine(event)) continue
          await this.pace.due(event.atMs)
          while (this.paused && !this.stopped) await new Promise<void>(resolve => (this.wake = resolve))
          if (this.stopped) return
          this.left--
          if (event.kind === 'param') await param(event.name, event.value)
          else if (!(this.replay.loop && event.event.kind === 'end')) await deliver(event.event)
          await nextTurn()
        }
      } while (this.replay.loop && !this.stopped)
      // A recording that was closed before its source ended ends where it was closed.
      if (!this.stopped) await deliver({ kind: 'end' })
    } catch (error) {
      if (!this.stopped) onError(error)
    }
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    this.pace.restart()
    this.wake?.()
  }

  async stop(): Promise<void> {
    this.stopped = true
    this.pace.stop()
    this.wake?.()
    await this.done
  }

  lagCount(): number {
    return Math.max(0, this.left)
  }
}
