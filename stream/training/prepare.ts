/** Rows as a training takes them: scaled by their own means and deviations, the newest held back. */
import { createHash } from 'node:crypto'
import { StreamError } from '../errors.ts'
import type { ModelScaler } from '../models/artifact.ts'
import type { TrainSpec } from './spec.ts'

export interface Prepared {
  readonly x: Float64Array
  readonly y: Float64Array
  readonly heldX: Float64Array
  readonly heldY: Float64Array
  readonly count: number
  readonly held: number
  readonly scaler: ModelScaler
  /** Of the rows: the same rows have the same. */
  readonly hash: string
}

/** @throws StreamError TRAINING_FAILED when there are too few rows */
export function prepare(rows: Float64Array, spec: TrainSpec): Prepared {
  const inputs = spec.features.length
  const width = inputs + (spec.target === undefined ? 0 : 1)
  const count = rows.length / width
  if (count < 10)
    throw new StreamError({
      code: 'TRAINING_FAILED',
      message: `Cannot train model "${spec.name}": ${count} rows came, at least 10 are needed`,
      hint: 'Read from further back: %topic NAME --from earliest',
    })
  const held = Math.floor(count * spec.validation)
  const trained = count - held
  const scaler = scalerOf(rows, width, trained)
  const scaled = rows.map((x, i) => (x - scaler.mean[i % width]!) / scaler.deviation[i % width]!)
  const column = (from: number, to: number, first: number, size: number) => {
    const out = new Float64Array((to - from) * size)
    for (let r = from; r < to; r++)
      for (let c = 0; c < size; c++) out[(r - from) * size + c] = scaled[r * width + first + c]!
    return out
  }
  const y = (from: number, to: number) =>
    spec.target === undefined ? column(from, to, 0, inputs) : column(from, to, inputs, 1)
  return {
    x: column(0, trained, 0, inputs),
    y: y(0, trained),
    // Without rows held back the threshold comes from those trained on.
    heldX: held === 0 ? column(0, trained, 0, inputs) : column(trained, count, 0, inputs),
    heldY: held === 0 ? y(0, trained) : y(trained, count),
    count,
    held,
    scaler,
    hash: createHash('sha256')
      .update(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength))
      .digest('hex')
      .slice(0, 12),
  }
}

/** A column that never moves counts in hundredths of its value. */
function scalerOf(rows: Float64Array, width: number, count: number): ModelScaler {
  const mean = Array.from({ length: width }, () => 0)
  const deviation = Array.from({ length: width }, () => 0)
  for (let i = 0; i < count * width; i++) mean[i % width]! += rows[i]! / count
  for (let i = 0; i < count * width; i++)
    deviation[i % width]! += (rows[i]! - mean[i % width]!) ** 2 / Math.max(1, count - 1)
  return {
    mean,
    deviation: deviation.map((squares, c) => {
      const root = Math.sqrt(squares)
      return root > 1e-12 * Math.abs(mean[c]!) ? root : Math.abs(mean[c]!) / 100 || 1
    }),
  }
}
