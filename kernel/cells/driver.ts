/**
 * Drives a transformed cell: each top-level await is a yield, each resume runs as a script under break-on-SIGINT. So a loop
 * after an await is as stoppable as one before it, which plain async functions are not.
 */
import { Script } from 'node:vm'
import { Interrupted, SHARED, unlessStopped, type Signals } from './interrupt.ts'
import type { Machine } from './machine.ts'
import type { Run } from './run.ts'

type Cell = Generator<unknown, unknown, unknown>
type Resume = { readonly error?: unknown; readonly failed: boolean; readonly value?: unknown }

const resumeScript = new Script(`globalThis[Symbol.for('riffle.resume')]()`, {
  filename: 'riffle:resume',
})

/** Calls `f` so that SIGINT ends it with `Interrupted`, whatever it does. */
export function breakable<T>(signals: Signals, f: () => T): T {
  const slot = Symbol.for('riffle.resume')
  const host = globalThis as Record<symbol, unknown>
  const outer = host[slot]
  host[slot] = f
  try {
    return resumeScript.runInThisContext({ breakOnSigint: true }) as T
  } catch (error) {
    if ((error as NodeJS.ErrnoException | undefined)?.code !== 'ERR_SCRIPT_EXECUTION_INTERRUPTED') throw error
    signals.arrived()
    throw new Interrupted()
  } finally {
    host[slot] = outer
  }
}

const nap = new Int32Array(new SharedArrayBuffer(4))
const ABSORB_MS = 50

/** A script that does nothing but be there for a signal that is on its way. */
export function absorbSignal(signals: Signals): void {
  try {
    breakable(signals, () => Atomics.wait(nap, 0, 0, ABSORB_MS))
  } catch {
    // It came.
  }
}

/**
 * Break-on-SIGINT starts a thread, about 0.1 ms. In a hot chain of awaits it is left out now and then: loop guards stop what
 * hangs there, only code without guards would not be stopped.
 */
const ALWAYS_WATCHED = 1_000
const UNWATCHED_MS = 1

/** Runs to the end and gives the value of the last expression, boxed: a promise or a Proxy is a value like any other. */
export async function drive(machine: Machine, cell: Cell, run: Run): Promise<{ readonly value: unknown }> {
  const { runs, shared, signals } = machine
  let resume: Resume = { failed: false }
  let steps = 0
  let watchedMs = 0
  for (;;) {
    const { failed, error, value } = resume
    const next = (): IteratorResult<unknown, unknown> => (failed ? cell.throw(error) : cell.next(value))
    const nowMs = performance.now()
    const watched = ++steps <= ALWAYS_WATCHED || nowMs - watchedMs > UNWATCHED_MS
    if (watched) watchedMs = nowMs
    const step = runs.within(run, () => (watched ? breakable(signals, next) : next()))
    if (step.done === true) return { value: step.value }
    resume = await settled(step.value, run)
    // A chain of awaits that never leaves the microtask queue gives the event loop no turn: look for a Stop here too.
    if (!resume.failed && shared[SHARED.target] === run.hash && !run.interrupted) {
      run.stop()
      resume = { failed: true, error: new Interrupted() }
    }
  }
}

async function settled(value: unknown, run: Run): Promise<Resume> {
  run.rejection = undefined
  try {
    return { failed: false, value: await unlessStopped(run, value) }
  } catch (error) {
    run.rejection = error
    return { failed: true, error }
  }
}
