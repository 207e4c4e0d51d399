/**
 * One row for each value: the first row that has it comes out, those after it do not. When that row is taken back the next one of
 * its value takes its place, the last one leaves without another.
 *
 *   +row ─▶ new value? ─▶ +row         −row ─▶ the one that came out? ─▶ −row, +next of its value
 *
 * State: a row for each value; where rows may be taken back, all of them.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Batch } from '../model.ts'
import { selectRows } from './filter.ts'
import { emptyBatch } from './operator.ts'
import type { Operator, StageContext } from './operator.ts'

export interface DistinctParts {
  /** Fields whose values are compared; empty: the whole row. */
  readonly by: readonly string[]
  /** Rows may be taken back. */
  readonly retracts: boolean
  readonly context: StageContext
}

/** Beside the text and the row. */
const PER_VALUE = 120

export class DistinctOperator implements Operator {
  private readonly parts: DistinctParts
  /** Of each value the rows that have it, the one that came out first; empty lists where nothing is ever taken back. */
  private rows = new Map<string, unknown[]>()
  private bytes = 0

  constructor(parts: DistinctParts) {
    this.parts = parts
  }

  onBatch(batch: Batch): Batch {
    const out: unknown[] = []
    const sources: number[] = []
    const weights: number[] = []
    const emit = (row: unknown, i: number, weight: number) => {
      out.push(row)
      sources.push(i)
      weights.push(weight)
    }
    for (let i = 0; i < batch.count; i++) {
      const row = batch.rows[i]
      const value = this.valueOf(row)
      if (batch.weights?.[i] === -1) this.takeBack(value, row, i, emit)
      else this.came(value, row, i, emit)
    }
    this.parts.context.passed()
    const chosen = selectRows({ ...batch, weights: undefined }, Int32Array.from(sources), sources.length, out)
    return weights.includes(-1) ? { ...chosen, weights: Int8Array.from(weights) } : chosen
  }

  onWatermark(watermarkMs: number): Batch {
    return emptyBatch(watermarkMs)
  }

  onEnd(): Batch {
    return emptyBatch(Infinity)
  }

  snapshot(): readonly (readonly [string, readonly unknown[]])[] {
    return [...this.rows]
  }

  restore(state: unknown): void {
    this.rows = new Map((state as [string, unknown[]][]).map(([value, rows]) => [value, rows.slice()]))
    this.bytes = 0
    for (const [value, rows] of this.rows) this.bytes += weigh(value, rows.length)
  }

  stateBytes(): number {
    return this.bytes
  }

  private came(value: string, row: unknown, i: number, emit: Emit): void {
    const kept = this.parts.retracts ? [row] : []
    const known = this.rows.get(value)
    if (known === undefined) {
      this.rows.set(value, kept)
      this.bytes += weigh(value, kept.length)
      emit(row, i, 1)
    } else if (this.parts.retracts) {
      known.push(row)
      this.bytes += weigh('', 1) - PER_VALUE
    }
  }

  private takeBack(value: string, row: unknown, i: number, emit: Emit): void {
    const known = this.rows.get(value)
    const at = known?.findIndex(each => isDeepStrictEqual(each, row)) ?? -1
    if (known === undefined || at < 0) return
    const [gone] = known.splice(at, 1)
    this.bytes -= weigh('', 1) - PER_VALUE
    if (at > 0) return
    emit(gone, i, -1)
    if (known.length > 0) return emit(known[0], i, 1)
    this.rows.delete(value)
    this.bytes -= weigh(value, 0)
  }

  private valueOf(row: unknown): string {
    const { by } = this.parts
    if (by.length === 0) return textOf(row)
    const fields = typeof row === 'object' && row !== null ? (row as Record<string, unknown>) : {}
    return by.map(name => textOf(fields[name])).join('\u0000')
  }
}

type Emit = (row: unknown, i: number, weight: number) => void

/** A row of a few fields weighs about as much as it takes to be told apart. */
const weigh = (value: string, rowCount: number): number => PER_VALUE + 2 * value.length + 96 * rowCount

/** Equal values have equal texts: NaN equals itself, −0 equals 0, null and a missing field are one, fields come in any order. */
function textOf(value: unknown): string {
  if (value === null || value === undefined) return '-'
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') return String(value === 0 ? 0 : value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object') return String(value)
  if (value instanceof Date) return `@${value.getTime()}`
  if (value instanceof Map) return `map${textOf([...value])}`
  if (value instanceof Set) return `set${textOf([...value])}`
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`
  if (ArrayBuffer.isView(value))
    return `${value.constructor.name}${textOf([...(value as unknown as Iterable<unknown>)])}`
  const fields = Object.entries(value).filter(([, part]) => part !== undefined && part !== null)
  fields.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, part]) => `${JSON.stringify(name)}:${textOf(part)}`).join()}}`
}
