/**
 * Stopping user code, as gently as it allows. A watcher thread hears of the Stop while this thread may be busy:
 *
 *   at once   level 1: loop guards of the running cell throw; a message asks the event loop to end the pending await
 *   +10 ms    level 2: any guarded loop throws (a timer's callback of an earlier cell blocks the thread)
 *   +30 ms    SIGINT: break-on-SIGINT ends top-level code without guards (a library, a regular expression)
 *   +60 ms    SIGINT to direct child processes (execSync waits for one)
 *
 * Shared words: [0] level, [1] the running request (hash; 0 is idle), [2] guards that threw, [3] messages the event loop took,
 * [4] the request to stop, [5] SIGINTs the watcher has raised, [6] 1 while the watcher looks and acts, [7] of those SIGINTs the ones that
 * have arrived: two that wait would become one, so the watcher raises none while one is on its way.
 */
export const SHARED = { level: 0, running: 1, thrown: 2, taken: 3, target: 4, raised: 5, acting: 6, seen: 7 } as const

export function createShared(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(8 * Int32Array.BYTES_PER_ELEMENT))
}

/** Changes which request runs; on return the watcher acts no more for the one before. */
export function setRunning(shared: Int32Array, hash: number): void {
  Atomics.store(shared, SHARED.running, hash)
  while (Atomics.load(shared, SHARED.acting) === 1) Atomics.wait(shared, SHARED.acting, 1, 5)
}

/**
 * The watcher's SIGINTs are counted on both sides: one that arrives when its cell has ended is dropped, and a cell ends only
 * when those raised for it have arrived, so that none is left for the next.
 */
export class Signals {
  private readonly shared: Int32Array

  constructor(shared: Int32Array) {
    this.shared = shared
  }

  get due(): boolean {
    return Atomics.load(this.shared, SHARED.seen) < Atomics.load(this.shared, SHARED.raised)
  }

  /** True when the signal that just arrived is the watcher's. */
  arrived(): boolean {
    const own = this.due
    if (own) Atomics.add(this.shared, SHARED.seen, 1)
    return own
  }

  /**
   * Called when a cell has ended and the watcher acts no more for it. What it raised has reached the process by then, so the event
   * loop hears of it in its next turn. A signal that came just as a guard threw is kept by Node's own thread and would break the
   * next script instead: `absorb` runs one for it to break.
   */
  async settled(absorb: () => void): Promise<void> {
    for (let turn = 0; turn < TURNS && this.due; turn++) await new Promise(resolve => setImmediate(resolve))
    if (this.due) absorb()
    // One that broke a script whose own error was shown instead was never told.
    Atomics.store(this.shared, SHARED.seen, Atomics.load(this.shared, SHARED.raised))
  }
}

const TURNS = 3

export class Interrupted extends Error {
  constructor() {
    super('The cell was interrupted')
    this.name = 'Interrupted'
  }
}

/** Never 0. The watcher thread computes the same. */
export function hashOf(requestId: string): number {
  let hash = 7
  for (let at = 0; at < requestId.length; at++) hash = (Math.imul(hash, 31) + requestId.charCodeAt(at)) | 0
  return hash === 0 ? 1 : hash
}

/** One run of a cell, as far as stopping is concerned. */
export interface Stoppable {
  readonly hash: number
  readonly abort: AbortController
  interrupted: boolean
  /** After a guard threw, `finally` blocks get a moment to loop. */
  graceUntil: number
  /** Called at each Stop; gives the way to take it back. */
  onStop(f: () => void): () => void
  stop(): void
}

export function createStoppable(requestId: string): Stoppable {
  const waiting = new Set<() => void>()
  const run: Stoppable = {
    hash: hashOf(requestId),
    abort: new AbortController(),
    interrupted: false,
    graceUntil: 0,
    onStop: f => {
      waiting.add(f)
      return () => void waiting.delete(f)
    },
    stop: () => {
      run.interrupted = true
      for (const f of waiting) f()
      run.abort.abort(new Interrupted())
    },
  }
  return run
}

/** `value`, or a rejection with `Interrupted` when the run is stopped first. */
export function unlessStopped<T>(run: Stoppable | undefined, value: T): Promise<Awaited<T>> {
  if (run === undefined) return Promise.resolve(value)
  return new Promise((resolve, reject) => {
    const off = run.onStop(() => reject(new Interrupted()))
    Promise.resolve(value).then(
      result => {
        off()
        resolve(result)
      },
      (error: unknown) => {
        off()
        reject(error as Error)
      },
    )
  })
}

const GRACE_MS = 100

/** What a loop guard does once it sees a level: throws when its run is the one to stop, or when nothing else helps. */
export function guardHit(shared: Int32Array, run: Stoppable | undefined): void {
  const concerned = run !== undefined && (run.interrupted || run.hash === shared[SHARED.target])
  if (shared[SHARED.level] === 1 && !concerned) return
  if (run !== undefined) {
    const now = performance.now()
    if (now < run.graceUntil) return
    run.interrupted = true
    run.graceUntil = now + GRACE_MS
  }
  Atomics.add(shared, SHARED.thrown, 1)
  throw new Interrupted()
}
