/**
 * Aggregation without a window: one row per record with the state of its key so far (`keyBy(k).aggregate`). Time plays no
 * part and nothing is ever late; the row keeps the event time and position of its record. The row before it is retracted.
 */
import type { Batch } from '../model.ts'
import type { Layout } from '../aggregates/layout.ts'
import { Slots } from '../aggregates/slots.ts'
import type { SlotsState } from '../aggregates/slots.ts'
import { KeyTable } from '../state/key-table.ts'
import type { KeyTableState } from '../state/key-table.ts'
import { rowMaker } from './compile.ts'
import { selectRows } from './filter.ts'
import { emptyBatch } from './operator.ts'
import type { Operator } from './operator.ts'
import type { RowReader } from './row-reader.ts'

interface RunningState {
  readonly table: KeyTableState
  readonly slots: SlotsState
  readonly revisions: readonly number[]
}

export interface RunningParts {
  readonly keyNames: readonly string[]
  readonly layout: Layout
  readonly aggregateNames: readonly string[]
  readonly reader: RowReader
}

export class RunningOperator implements Operator {
  private readonly parts: RunningParts
  private readonly make: (values: readonly unknown[]) => Record<string, unknown>
  private readonly table: KeyTable
  private readonly slots: Slots
  /** Rows sent so far, by slot. */
  private revisions: number[] = []

  constructor(parts: RunningParts) {
    this.parts = parts
    this.make = rowMaker([...parts.keyNames, ...parts.aggregateNames, 'kind', 'revision'])
    this.table = new KeyTable(parts.keyNames.length)
    this.slots = new Slots(parts.layout)
  }

  onBatch(batch: Batch): Batch {
    const { reader, layout } = this.parts
    const rows: unknown[] = []
    const sources: number[] = []
    const weights: number[] = []
    const emit = (row: unknown, i: number, weight: number) => {
      rows.push(row)
      sources.push(i)
      weights.push(weight)
    }
    for (let i = 0; i < batch.count; i++) {
      const keyId = reader.read(batch, i, this.table)
      if (keyId < 0) continue
      let slot = this.slots.find(keyId)
      if (slot < 0) {
        slot = this.slots.add(keyId)
        this.table.hold(keyId)
        this.revisions[slot] = 0
      }
      const at = slot * layout.stride
      if (this.slots.fields[at] !== 0) emit(this.row(slot, (this.revisions[slot] as number) - 1), i, -1)
      reader.addTo(this.slots, slot, batch.weights?.[i] ?? 1, 0)
      if (this.slots.fields[at] === 0) continue
      emit(this.row(slot, this.revisions[slot] as number), i, 1)
      this.revisions[slot] = (this.revisions[slot] as number) + 1
    }
    const out = selectRows({ ...batch, weights: undefined }, Int32Array.from(sources), sources.length, rows)
    return weights.includes(-1) ? { ...out, weights: Int8Array.from(weights) } : out
  }

  onWatermark(watermarkMs: number): Batch {
    return emptyBatch(watermarkMs)
  }

  onEnd(): Batch {
    return emptyBatch(Infinity)
  }

  snapshot(): RunningState {
    return { table: this.table.snapshot(), slots: this.slots.snapshot(), revisions: this.revisions.slice() }
  }

  restore(state: unknown): void {
    const s = state as RunningState
    this.table.restore(s.table)
    this.slots.restore(s.slots)
    this.revisions = s.revisions.slice()
  }

  keyCount(): number {
    return this.table.liveCount
  }

  stateBytes(): number {
    return this.table.bytes() + this.slots.bytes() + this.revisions.length * 8
  }

  private row(slot: number, revision: number): Record<string, unknown> {
    const { layout, keyNames } = this.parts
    const values: unknown[] = []
    for (let c = 0; c < keyNames.length; c++) values.push(this.table.valueOf(this.slots.keys[slot] as number, c))
    layout.results(values, this.slots, slot)
    values.push('onTime', revision)
    return this.make(values)
  }
}
