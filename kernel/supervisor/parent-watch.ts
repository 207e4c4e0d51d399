/**
 * Ends the kernel when whoever started it is gone; nobody else would. A sub-reaper may adopt us, so the new parent need not be
 * process 1, and in a container process 1 is a legal parent: what counts is that the parent changed.
 */
const POLL_MS = 1000

export function watchParent(onGone: () => void): { stop(): void } {
  const named = Number(process.env['JPY_PARENT_PID'] ?? 0)
  if (!Number.isInteger(named) || named <= 0) return { stop() {} }
  const first = process.ppid
  const timer = setInterval(() => {
    // A launcher between Jupyter and us makes the named process a grandparent.
    if (process.ppid !== first || !exists(named)) onGone()
  }, POLL_MS)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
