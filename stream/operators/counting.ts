/**
 * Keyed aggregation over the last records: every `slide` records of a key, one row over its last `size`. Time plays no part; the
 * row has no bounds and the event time of the record that completed it. A window that is incomplete at the end never fires.
 */
import type { Batch } from '../model.ts'
import type { Layout, Store } from '../aggregates/layout.ts'
import { KeyTable } from '../state/key-table.ts'
import type { KeyTableState } from '../state/key-table.ts'
import { rowMaker } from './compile.ts'
import { selectRows } from './filter.ts'
import { emptyBatch } from './operator.ts'
import type { Operator, StageContext } from './operator.ts'
import type { RowReader } from './row-reader.ts'

/** The newest records, `size` of them, one slot each. */
interface Ring extends Store {
  /** Records seen since the start. */
  seen: number
  revision: number
}

interface CountingState {
  readonly table: KeyTableState
  readonly rings: readonly (readonly [number, Ring])[]
}

export interface CountingParts {
  readonly size: number
  readonly slide: number
  readonly keyNames: readonly string[]
  readonly layout: Layout
  readonly aggregateNames: readonly string[]
  readonly reader: RowReader
  readonly context: StageContext
}

export class CountingOperator implements Operator {
  private readonly parts: CountingParts
  private readonly make: (values: readonly unknown[]) => Record<string, unknown>
  private readonly table: KeyTable
  private rings = new Map<number, Ring>()

  constructor(parts: CountingParts) {
    this.parts = parts
    this.make = rowMaker([...parts.keyNames, ...parts.aggregateNames, 'kind', 'revision'])
    this.table = new KeyTable(parts.keyNames.length)
  }

  onBatch(batch: Batch): Batch {
    const { reader, slide, context } = this.parts
    const rows: unknown[] = []
    const sources: number[] = []
    for (let i = 0; i < batch.count; i++) {
      if (batch.weights?.[i] === -1) {
        context.refuse(batch, i, 'a counting window cannot take back a row that was retracted')
        continue
      }
      const keyId = reader.read(batch, i, this.table)
      if (keyId < 0) continue
      const ring = this.ringOf(keyId)
      this.put(ring)
      if (ring.seen % slide !== 0) continue
      rows.push(this.row(keyId, ring))
      sources.push(i)
    }
    return selectRows({ ...batch, weights: undefined }, Int32Array.from(sources), sources.length, rows)
  }

  onWatermark(watermarkMs: number): Batch {
    return emptyBatch(watermarkMs)
  }

  onEnd(): Batch {
    return emptyBatch(Infinity)
  }

  snapshot(): CountingState {
    return { table: this.table.snapshot(), rings: [...this.rings] }
  }

  restore(state: unknown): void {
    const s = state as CountingState
    this.table.restore(s.table)
    this.rings = new Map(
      s.rings.map(([keyId, ring]) => [keyId, { ...ring, fields: ring.fields.slice(), boxes: ring.boxes.slice() }]),
    )
  }

  keyCount(): number {
    return this.table.liveCount
  }

  stateBytes(): number {
    return this.table.bytes() + this.rings.size * (64 + this.parts.size * this.parts.layout.stride * 8)
  }

  private ringOf(keyId: number): Ring {
    let ring = this.rings.get(keyId)
    if (ring === undefined) {
      ring = { fields: new Float64Array(this.parts.size * this.parts.layout.stride), boxes: [], seen: 0, revision: 0 }
      this.rings.set(keyId, ring)
      this.table.hold(keyId)
    }
    return ring
  }

  /** The record read last takes the place of the oldest. */
  private put(ring: Ring): void {
    const { size, layout, reader } = this.parts
    const slot = ring.seen % size
    layout.init(ring, slot)
    reader.addTo(ring, slot, 1, 0)
    ring.seen++
  }

  private row(keyId: number, ring: Ring): Record<string, unknown> {
    const { size, layout, keyNames } = this.parts
    const sum = layout.single()
    // Oldest first, so that sums of fractions are those of the order of arrival.
    for (let record = Math.max(0, ring.seen - size); record < ring.seen; record++) {
      layout.merge(sum, 0, ring, record % size)
    }
    const values: unknown[] = keyNames.map((_, c) => this.table.valueOf(keyId, c))
    layout.results(values, sum, 0)
    values.push('onTime', ring.revision++)
    return this.make(values)
  }
}
