/** Which series of a chart have a colour of their own, when there are more series than colours. */

export type Series = string | number | boolean | null

export const COLOURED_SERIES = 20
/** Colours that change places all the time tell nothing: who has one loses it only to a series so much larger. */
const OVERTAKEN_BY = 1.5

/**
 * The series with colours, in the order of their colours. Places that are free are filled with the largest, in the order of their names;
 * with `overtaking` a series without a colour takes the place of the least, where it is large enough.
 */
export function topSeries(
  top: readonly Series[],
  sizes: ReadonlyMap<Series, number>,
  { overtaking }: { readonly overtaking: boolean },
): Series[] {
  const size = (series: Series): number => sizes.get(series) ?? -1
  const rest = [...sizes.keys()].filter(series => !top.includes(series))
  rest.sort((a, b) => size(b) - size(a) || byName(a, b))
  const next = [...top, ...rest.splice(0, COLOURED_SERIES - top.length).sort(byName)]
  if (!overtaking) return next
  for (const series of rest) {
    const least = next.reduce((a, b) => (size(b) < size(a) ? b : a))
    if (size(series) <= OVERTAKEN_BY * size(least)) break
    next[next.indexOf(least)] = series
  }
  return next
}

/** What the series without a colour are called together; one of those with a colour may be called so itself. */
export function otherLabel(top: readonly Series[]): string {
  return top.includes('other') ? 'other series' : 'other'
}

export function isSeries(value: unknown): value is Series {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

export function byName(a: Series, b: Series): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a) < String(b) ? -1 : 1
}
