/** The colour of the series "other" (other.ts): a grey between the grounds of light and dark pages, 3:1 against both. */
import { COLOURED_SERIES } from './top-series.ts'

const OTHER_GREY = '#868686'
/** Vega's own category colours, for who draws a saved chart without our theme. */
const VEGA_COLOURS = [
  '#4c78a8',
  '#f58518',
  '#e45756',
  '#72b7b2',
  '#54a24b',
  '#eeca3b',
  '#b279a2',
  '#ff9da6',
  '#9d755d',
  '#bab0ac',
]

/** `colours` so often that the last series of a spec with "other" gets the grey; undefined: it has none. */
export function coloursWithOther(
  spec: Readonly<Record<string, unknown>>,
  colours: readonly string[] = VEGA_COLOURS,
): readonly string[] | undefined {
  const domain = at(spec, ['encoding', 'color', 'scale', 'domain'])
  const other =
    Array.isArray(domain) &&
    domain.length === COLOURED_SERIES + 1 &&
    at(spec, ['encoding', 'detail', 'field']) === '$other'
  if (!other) return undefined
  return [...Array.from({ length: COLOURED_SERIES }, (_, i) => colours[i % colours.length] ?? OTHER_GREY), OTHER_GREY]
}

function at(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined) return value
  return typeof value === 'object' && value !== null ? at((value as Record<string, unknown>)[name], rest) : undefined
}
