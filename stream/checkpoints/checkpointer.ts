/**
 * Keeps the named streams of a runtime on disk: every so often, when the notebook is saved and at the end, and gives a stream
 * that starts for the first time what it had when its process ended. What a runtime's state is made of is its own matter.
 */
import { basename, dirname, join, resolve } from 'node:path'
import { StreamError } from '../errors.ts'
import type { CheckpointSettings, CheckpointStatus } from '../targets/runtime.ts'
import { formatDuration } from '../time/duration.ts'
import type { Clock, Timer } from '../time/clock.ts'
import type { CheckpointParts } from './checkpoint-file.ts'
import { CheckpointStore } from './store.ts'

/** A running stream that may be kept. */
export interface Kept {
  readonly name: string
  readonly key: string
  /** Why it cannot go on elsewhere, if it cannot. */
  readonly refusal?: string | undefined
  /** Counts up with what was handled: the same again means that nothing is new. */
  readonly progress: (fresh: boolean) => number
  /** `fresh`: as it is now; else the newest that is at hand without more work, if any. */
  readonly state: (fresh: boolean) => Promise<(CheckpointParts & { readonly progress: number }) | undefined>
}

export interface CheckpointerOptions {
  readonly clock: Clock
  /** Streams running now. */
  readonly streams: () => readonly Kept[]
  /** Names the folder where no notebook does. */
  readonly program: string
  /** One that could not be written; told once for each reason. */
  readonly onError: (name: string, error: StreamError) => void
}

interface Meta {
  readonly key: string
  readonly savedAtMs: number
  readonly own: unknown
}

interface Written {
  readonly number: number
  readonly progress: number
  readonly savedAtMs: number
  readonly sizeBytes: number
}

/** What a stream begins with. */
export interface Found {
  readonly number: number
  readonly savedAtMs: number
  /** `meta` as the runtime gave it. */
  readonly meta: unknown
  readonly bytes: Uint8Array
}

const FOLDER = '.riffle-checkpoints'

export class Checkpointer {
  private readonly options: CheckpointerOptions
  private settings: { readonly everyMs: number; readonly store: CheckpointStore } | undefined
  /** Streams that were started since this process began: another start of the name is a new stream. */
  private readonly started = new Set<string>()
  private readonly written = new Map<string, Written>()
  private readonly refused = new Map<string, string>()
  private timer: Timer | undefined
  private work: Promise<void> = Promise.resolve()

  constructor(options: CheckpointerOptions) {
    this.options = options
  }

  /** Undefined everyMs switches off; what lies on disk stays there. */
  configure({ everyMs, folder }: CheckpointSettings): CheckpointStatus {
    this.timer?.cancel()
    this.timer = undefined
    this.written.clear()
    this.settings =
      everyMs === undefined ? undefined : { everyMs, store: new CheckpointStore(resolve(folder ?? this.defaultFolder)) }
    this.wait()
    return this.status()
  }

  /** Where they lie, or would lie. */
  get store(): CheckpointStore {
    return this.settings?.store ?? new CheckpointStore(resolve(this.defaultFolder))
  }

  get on(): boolean {
    return this.settings !== undefined
  }

  status(): CheckpointStatus {
    const { settings } = this
    if (settings === undefined) return { everyMs: undefined, folder: undefined, streams: [] }
    const streams = this.options.streams().map(({ name, refusal }) => {
      const { savedAtMs, sizeBytes } = this.written.get(name) ?? {}
      return { name, savedAtMs, sizeBytes, refusal: refusal ?? this.refused.get(name) }
    })
    return { everyMs: settings.everyMs, folder: settings.store.folder, streams }
  }

  /**
   * What the stream had when its process ended; undefined for a new one. Called once at each start: the second start of a name in
   * one process begins anew, and what lies on disk of it goes.
   */
  async begin(name: string, key: string, tell: (text: string) => void): Promise<Found | undefined> {
    const again = this.started.has(name)
    this.started.add(name)
    this.written.delete(name)
    this.refused.delete(name)
    if (this.settings === undefined) return undefined
    const { store } = this.settings
    if (again) {
      await this.forget(name)
      return undefined
    }
    const found = await store.newest(name, error => tell(`${error.message}\n${error.hint ?? ''}`))
    if (found === undefined) return undefined
    const meta = found.meta as Meta
    if (meta.key !== key) {
      tell(`Stream "${name}" begins anew: its cell was changed since its checkpoint`)
      await this.forget(name)
      return undefined
    }
    return { number: found.number, savedAtMs: meta.savedAtMs, meta: meta.own, bytes: found.bytes }
  }

  /** The stream was stopped: it is not to come back. */
  forget(name: string): Promise<void> {
    this.written.delete(name)
    const store = this.settings?.store
    return store === undefined ? Promise.resolve() : this.queued(() => store.remove(name))
  }

  /** Writes every stream that moved. `fresh`: as it is now (a save, the end); else what is at hand. */
  save(fresh: boolean): Promise<void> {
    return this.queued(async () => {
      for (const kept of this.options.streams()) await this.saveOne(kept, fresh)
    })
  }

  async close(): Promise<void> {
    this.timer?.cancel()
    this.timer = undefined
    await this.save(true)
    this.settings = undefined
  }

  /** Beside the notebook, else in the working folder. */
  private get defaultFolder(): string {
    const notebook = process.env['JPY_SESSION_NAME'] ?? ''
    const folder = notebook === '' ? process.cwd() : dirname(notebook)
    const file = basename(notebook === '' ? this.options.program : notebook)
    return join(folder, FOLDER, file.replace(/\.(?:ipynb|[cm]?[jt]s)$/, ''))
  }

  private wait(): void {
    const { settings } = this
    if (settings === undefined) return
    this.timer = this.options.clock.setTimer(settings.everyMs, () => {
      void this.save(false).finally(() => {
        if (this.settings === settings) this.wait()
      })
    })
  }

  private async saveOne(kept: Kept, fresh: boolean): Promise<void> {
    const { settings } = this
    const { name, key } = kept
    if (settings === undefined || kept.refusal !== undefined) return
    const before = this.written.get(name)
    if (before?.progress === kept.progress(fresh)) return
    try {
      const parts = await kept.state(fresh)
      if (parts === undefined) return
      const savedAtMs = this.options.clock.nowMs()
      const meta: Meta = { key, savedAtMs, own: parts.meta }
      const number = (before?.number ?? (await settings.store.numbers(name))[0] ?? 0) + 1
      const sizeBytes = await settings.store.write(name, number, { meta, bytes: parts.bytes })
      this.written.set(name, { number, progress: parts.progress, savedAtMs, sizeBytes })
      this.refused.delete(name)
    } catch (error) {
      this.tell(name, settings.store.folder, error)
    }
  }

  private tell(name: string, folder: string, cause: unknown): void {
    const why = cause instanceof Error ? cause.message : String(cause)
    // The stream ended while its state was asked for.
    if (cause instanceof StreamError && cause.code === 'STREAM_STOPPED') return
    const told = this.refused.get(name) !== undefined
    this.refused.set(name, why)
    if (told) return
    const message = `Cannot write the checkpoint of stream "${name}": ${why}`
    const hint = '%checkpoint 10s --folder DIR with a folder that can be written, or %checkpoint off'
    this.options.onError(
      name,
      new StreamError({ code: 'CHECKPOINT_FAILED', message, detail: `In folder ${folder}`, hint, cause }),
    )
  }

  private queued(f: () => Promise<void>): Promise<void> {
    const done = this.work.then(f)
    this.work = done.catch(() => undefined)
    return done
  }
}

/** What `%checkpoint` says. */
export function checkpointText({ everyMs, folder, streams }: CheckpointStatus): string {
  if (everyMs === undefined) return 'checkpoints are off'
  const lines = streams.map(({ name, savedAtMs, sizeBytes, refusal }) => {
    if (refusal !== undefined) return `  ${name}: not kept, ${refusal}`
    if (savedAtMs === undefined) return `  ${name}: nothing to keep yet`
    return `  ${name}: ${sizeBytes} bytes, ${new Date(savedAtMs).toISOString()}`
  })
  return [`checkpoints every ${formatDuration(everyMs)} in ${folder}`, ...lines].join('\n')
}
