/**
 * How wide the words of a picture are. Vega keeps the width of each text it ever measured, up to 20,000: of a time axis that moves that
 * is a text a frame, 140 bytes each (measured: 0.9 MB in ten minutes, as much as the rest of a page grows). Here a few hundred are kept.
 */
import * as vega from 'vega'

const KEPT = 400

/** What Vega's types leave out. A mark of text as far as its width goes. */
interface TextItem {
  /** More of it is cut off; undefined or 0: no limit. */
  readonly limit?: number | undefined
  readonly fontSize?: number | undefined
}
/** Of a canvas. */
interface TextContext {
  font: string
  measureText(text: string): { readonly width: number }
}
const { textMetrics, font, fontSize } = vega as unknown as {
  /** Vega asks `width`, for text that may be cut and while it looks where to cut. */
  readonly textMetrics: { width(item: TextItem, text: unknown): number }
  font(item: TextItem): string
  fontSize(item: TextItem): number
}

/** Widths by `measure`, in px, the newest of them kept. Text beyond its limit is as wide as that, at most a letter wider than what is left of it. */
export function keptWidths(measure: (text: string, font: string) => number): typeof textMetrics.width {
  const known = new Map<string, number>()
  return (item, told) => {
    const text = String(told ?? '').trim()
    if (text === '' || fontSize(item) <= 0) return 0
    const by = font(item)
    const key = `${by} ${text}`
    let width = known.get(key)
    if (width === undefined) {
      width = measure(text, by)
      if (known.size >= KEPT) known.clear()
      known.set(key, width)
    }
    return item.limit !== undefined && item.limit > 0 ? Math.min(width, item.limit) : width
  }
}

/** Makes Vega ask `context`. Where there is none it guesses, and keeps nothing. */
export function forgetTextWidths(context: TextContext | null): void {
  if (context === null) return
  textMetrics.width = keptWidths((text, by) => {
    context.font = by
    return context.measureText(text).width
  })
}
