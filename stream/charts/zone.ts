/** Display zones: what a clock on the wall of `zone` shows, for axes, tables and texts. No clock is read here. */

/** Offset of `zone` (IANA name) from UTC at an instant, in ms; 0 for an unknown zone. */
export function zoneOffsetMs(zone: string, atMs: number): number {
  const parts = partsOf(zone, atMs)
  if (parts === null) return 0
  const wallMs = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second)
  return wallMs - Math.floor(atMs / 1000) * 1000
}

/** `2026-01-01 09:00:10`, with milliseconds only when there are some; UTC unless a zone is given. */
export function instantText(epochMs: number, zone?: string): string {
  if (!Number.isFinite(epochMs) || Math.abs(epochMs) > 8.64e15) return String(epochMs)
  const shiftedMs = zone === undefined ? epochMs : epochMs + zoneOffsetMs(zone, epochMs)
  const iso = new Date(shiftedMs).toISOString()
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${iso.slice(19, 23) === '.000' ? '' : iso.slice(19, 23)}`
}

function partsOf(
  zone: string,
  atMs: number,
): Record<'year' | 'month' | 'day' | 'hour' | 'minute' | 'second', number> | null {
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    const found = { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0 }
    for (const { type, value } of format.formatToParts(atMs)) {
      if (type in found) found[type as keyof typeof found] = Number(value)
    }
    return found
  } catch {
    return null
  }
}
