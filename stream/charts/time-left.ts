export { formatDuration } from '../time/duration.ts'

/** What is left until a watermark gets there; undefined where either is not known. */
export function timeLeft(untilMs: number | null, watermarkMs: number | null): string | undefined {
  return untilMs === null || watermarkMs === null ? undefined : leftText(Math.max(0, untilMs - watermarkMs))
}

/** A span of time as a reader wants it: `4m 05s`, `12s`, `300ms`. */
export function leftText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`
  const seconds = Math.floor(ms / 1000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m ${pad(seconds % 60)}s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours}h ${pad(minutes % 60)}m` : `${Math.floor(hours / 24)}d ${pad(hours % 24)}h`
}

function pad(value: number): string {
  return String(value).padStart(2, '0')
}
