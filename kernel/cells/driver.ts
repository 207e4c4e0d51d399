/**
 * Drives a transformed cell: each top-level await is a yield, each resume runs as a script under break-on-SIGINT. So a loop
 * after an await is as stoppable as one before it, which plain async functions are not.
 */
import { Script } from 'node:vm'
import { Interrupted, unlessStopped } from './interrupt.ts'
import type { Run, Runs } from './run.ts'

type Cell = Generator<unknown, unknown, unknown>
type Resume = { readonly error?: unknown; readonly failed: boolean; readonly value?: unknown }

const resumeScript = new Script(`globalThis[Symbol.for('riffle.resume')]()`, {
  filename: 'riffle:resume',
})

/** Calls `f` so that SIGINT ends it with `Interrupted`, whatever it does. */
export function breakable<T>(f: () => T): T {
  const slot = Symbol.for('riffle.resume')
  const host = globalThis as Record<symbol, unknown>
  const outer = host[slot]
  host[slot] = f
  try {
    return resumeScript.runInThisContext({ breakOnSigint: true }) as T
  } catch (error) {
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED')
      throw new Interrupted()
    throw error
  } finally {
    host[slot] = outer
  }
}

/** Runs to the end and gives the value of the last expression, boxed: a promise or a Proxy is a value like any other. */
export async function drive(
  cell: Cell,
  run: Run,
  runs: Runs,
  stopRequested: () => boolean,
): Promise<{ readonly value: unknown }> {
  let resume: Resume = { failed: false }
  for (;;) {
    const { failed, error, value } = resume
    const step = runs.within(run, () => breakable(() => (failed ? cell.throw(error) : cell.next(value))))
    if (step.done === true) return { value: step.value }
    resume = await settled(step.value, run)
    // A chain of awaits that never leaves the microtask queue gives the event loop no turn: look for a Stop here too.
    if (!resume.failed && stopRequested() && !run.interrupted) {
      run.stop()
      resume = { failed: true, error: new Interrupted() }
    }
  }
}

async function settled(value: unknown, run: Run): Promise<Resume> {
  try {
    return { failed: false, value: await unlessStopped(run, value) }
  } catch (error) {
    return { failed: true, error }
  }
}
