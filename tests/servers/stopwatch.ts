/**
 * How long something took, in steps that this process was given: a machine that stands still for a while, or lets others run,
 * makes no answer late.
 */
const stepMs = 20

/** Starts it; the function it gives stops it and tells. */
export function stopwatch(): () => number {
  let tookMs = 0
  const timer = setInterval(() => (tookMs += stepMs), stepMs).unref()
  return () => {
    clearInterval(timer)
    return tookMs
  }
}
