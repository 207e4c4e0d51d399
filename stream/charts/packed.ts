/**
 * Rows as columns: from some thousand values a frame carries its numbers as bytes (Float64, little endian, one buffer a column)
 * beside the JSON. Rows come out as they went in: same keys in the same order, same values, absent fields absent.
 */
import type { ChartFrame, ChartRow, PackedRows } from './protocol.ts'

/** Frames with fewer values than this are JSON: there a buffer costs more than it saves. */
export const PACK_FROM_VALUES = 5000

export interface Packed {
  readonly frame: ChartFrame
  readonly buffers: readonly Uint8Array[]
}

/** How many values a frame holds. */
export function valueCount(frame: Pick<ChartFrame, 'snapshot' | 'delta' | 'changes'>): number {
  const changes = frame.changes?.entries ?? []
  return rowValueCount(frame) + changes.length * Object.keys(changes[0]?.row ?? {}).length
}

function rowValueCount({ snapshot, delta }: Pick<ChartFrame, 'snapshot' | 'delta'>): number {
  const rows = snapshot ?? delta?.upsert ?? []
  return rows.length * Object.keys(rows[0] ?? {}).length
}

/** `frame` with its rows as columns when there are many; buffers are counted from `firstBuffer` on. */
export function packFrame(frame: ChartFrame, firstBuffer = 0): Packed {
  const rows = frame.snapshot ?? frame.delta?.upsert
  if (rows === undefined || rowValueCount(frame) < PACK_FROM_VALUES) return { frame, buffers: [] }
  const { packed, buffers } = packRows(rows, firstBuffer)
  const { snapshot: _, ...rest } = frame
  const delta = frame.delta === undefined ? {} : { delta: { ...frame.delta, upsert: [] } }
  return { frame: { ...rest, ...delta, packed }, buffers }
}

/** The frame as it was. Throws a plain Error when a buffer is missing or short. */
export function unpackFrame(frame: ChartFrame, buffers: readonly DataView[]): ChartFrame {
  const { packed, ...rest } = frame
  if (packed === undefined) return frame
  const rows = unpackRows(packed, buffers)
  return rest.delta === undefined ? { ...rest, snapshot: rows } : { ...rest, delta: { ...rest.delta, upsert: rows } }
}

export function packRows(
  rows: readonly ChartRow[],
  firstBuffer = 0,
): { readonly packed: PackedRows; readonly buffers: readonly Uint8Array[] } {
  const buffers: Uint8Array[] = []
  const names = new Set(rows.flatMap(row => Object.keys(row)))
  const columns = [...names].map((name): PackedRows['columns'][number] => {
    const values = rows.map(row => row[name])
    if (!values.every(value => typeof value === 'number')) {
      const absent = rows.flatMap((row, index) => (name in row ? [] : [index]))
      return { name, values: values.map(value => value ?? null), ...(absent.length === 0 ? {} : { absent }) }
    }
    const bytes = new DataView(new ArrayBuffer(8 * values.length))
    values.forEach((value, index) => bytes.setFloat64(8 * index, value, true))
    return { name, buffer: firstBuffer + buffers.push(new Uint8Array(bytes.buffer)) - 1 }
  })
  return { packed: { count: rows.length, columns }, buffers }
}

export function unpackRows({ count, columns }: PackedRows, buffers: readonly DataView[]): ChartRow[] {
  const rows = Array.from({ length: count }, (): Record<string, unknown> => ({}))
  for (const column of columns) {
    if ('buffer' in column) {
      const bytes = buffers[column.buffer]
      if (bytes === undefined || bytes.byteLength !== 8 * count)
        throw new Error(`Cannot read a frame: column "${column.name}" has no bytes for ${count} rows`)
      rows.forEach((row, index) => (row[column.name] = bytes.getFloat64(8 * index, true)))
    } else {
      const absent = new Set(column.absent)
      rows.forEach((row, index) => {
        if (!absent.has(index)) row[column.name] = column.values[index]
      })
    }
  }
  return rows as unknown as ChartRow[]
}
