/**
 * Rows of objects to rows of numbers, by code made for the fields that are read: their names and the scaler's numbers are literals, so a field
 * is one look at the shape of the row.
 */
import type { ModelScaler } from './artifact.ts'

/** Writes the numbers of `row` to `out` from `at` on. False when one of them is no finite number: then nothing was written. */
export type Gather = (row: unknown, out: Float32Array | Float64Array, at: number) => boolean

/** @param also fields that have to be finite numbers too, and are not written */
export function gatherOf(features: readonly string[], scaler?: ModelScaler, also: readonly string[] = []): Gather {
  const read = [...features, ...also].map((name, f) => `const v${f} = row[${JSON.stringify(name)}]`)
  // What is taken from itself is 0, but for NaN and the infinities.
  const good = read.map((_, f) => `typeof v${f} === 'number' && v${f} - v${f} === 0`)
  const scaled = features.map((_, f) => {
    if (scaler === undefined) return `v${f}`
    return `(v${f} - ${literal(scaler.mean[f] ?? 0)}) / ${literal(scaler.deviation[f] || 1)}`
  })
  const lines = [
    'if (row === null || row === undefined) return false',
    ...read,
    `if (!(${good.join(' && ')})) return false`,
    ...scaled.map((value, f) => `out[at + ${f}] = ${value}`),
    'return true',
  ]
  // Names as JSON texts and numbers are all that comes from outside.
  return new Function('row', 'out', 'at', lines.join('\n')) as Gather
}

function literal(x: number): string {
  return Object.is(x, -0) ? '(-0)' : `(${x})`
}
