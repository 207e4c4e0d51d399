import { defineForm } from './form.ts'
import { plot } from './plot.ts'
import type { SpecRequest } from './form.ts'

/** Finished windows are joined by a solid line; open ones are hollow points at the end of a dashed one. */
export const line = defineForm({
  mark: 'line',
  label: 'Line',
  plainRows: 1000,
  spec: request =>
    plot(request, {
      mark: 'line',
      calm: true,
      ends: request.concept.form === 'window',
      dots: true,
      marks: x => withoutOther(request, request.concept.form === 'window' ? windowLine(x) : PLAIN_LINE),
    }),
})

interface Layer {
  readonly transform?: readonly { readonly filter: string }[]
  readonly mark: Readonly<Record<string, unknown>>
}

const LINE = { type: 'line', clip: true, strokeWidth: 2 }
const DOT = { type: 'point', clip: true, opacity: 1, tooltip: true }
/** A dot a row costs more than the line itself: with many rows the line alone is drawn. */
const FEW = { filter: '!dense' }
const SMALL = { ...DOT, filled: true, size: 18 }

/** A line from row to row of many series is none: those of "other" are dots, and so are then all rows, also series of a single one. */
function withoutOther({ otherRows }: SpecRequest, { layer }: { readonly layer: readonly Layer[] }): { layer: Layer[] } {
  if (otherRows !== true) return { layer: [...layer] }
  const isOther = "datum['$other'] === true"
  return {
    layer: layer.map(each => {
      const transform = (each.transform ?? []).filter(one => one !== FEW)
      const lines = each.mark['type'] === 'line' ? [{ filter: `!(${isOther})` }] : []
      return { ...each, transform: [...lines, ...transform] }
    }),
  }
}

const PLAIN_LINE: { readonly layer: readonly Layer[] } = { layer: [{ mark: LINE }, { transform: [FEW], mark: SMALL }] }

function windowLine(x: string): { readonly layer: readonly Layer[] } {
  const final = { filter: "datum['$open'] !== true" }
  const open = { filter: "datum['$open'] === true" }
  // Only the end of the line is dashed: a whole second line below the solid one would cost as much as that.
  const end = { filter: `datum[${JSON.stringify(x)}] >= openFrom` }
  return {
    layer: [
      { transform: [end], mark: { type: 'line', clip: true, strokeDash: [3, 3], strokeWidth: 1.25, opacity: 0.7 } },
      { transform: [final], mark: LINE },
      { transform: [final, FEW], mark: SMALL },
      { transform: [open], mark: { ...DOT, filled: false, size: 44, strokeWidth: 1.5 } },
    ],
  }
}
