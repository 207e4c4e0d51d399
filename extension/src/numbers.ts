/** Counts and instants as short text, the same in strips, panels and the status bar. */

/** `09:10:20 UTC`, with the day when it is not the demo's or today's matter: the full instant stands in the title. */
export function clockText(epochMs: number): string {
  return Math.abs(epochMs) > 8.64e15 ? String(epochMs) : `${new Date(epochMs).toISOString().slice(11, 19)} UTC`
}

export { grouped } from '../../stream/charts/counts.ts'

/** `12.3K`. Made once, as the strip of every chart tells counts with every frame. */
export const { format: compact } = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })
