/** What one file of this folder exports: a topic that tells a story, made of nothing but seed and index. */
import type { ColumnType } from '../../connectors/connector.ts'
import type { DelayOf } from '../schedule.ts'

export interface DemoTopic {
  readonly name: string
  readonly description: string
  readonly columns: readonly ColumnType[]
  /** Field with the event time; the record's timestamp is the same. */
  readonly timeField: string
  /** Indexes per second. */
  readonly rate: number
  /** Share of indexes that give a record; the rest are silences of the story. */
  readonly density: number
  /** Topic whose instants, rate, seed and skew it shares. */
  readonly follows?: string | undefined
  readonly delayOf?: DelayOf | undefined
  /** The record of an index. `atMs` is its event time. */
  record(place: RecordPlace): { readonly key: string; readonly row: Readonly<Record<string, unknown>> }
}

export interface RecordPlace {
  readonly seed: number
  readonly index: number
  readonly atMs: number
  /** When its index happens; other than `atMs` only for topics with `delayOf`. */
  readonly nominalMs: number
  readonly skew: number
}

/** Two decimals, as money is written. */
export function cents(value: number): number {
  return Math.round(value * 100) / 100
}
