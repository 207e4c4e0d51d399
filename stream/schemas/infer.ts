/**
 * Column types from sample rows, as TypeScript. The types are as plain as the values: `string`, `number`, `boolean`, nested
 * objects, arrays; a field some rows lack is optional, one that may be null says so. A sample proves nothing about rows not
 * seen, so no literal types are made up.
 */
import type { ColumnType } from '../model.ts'

/** Deeper or wider than this a type helps nobody who reads it. */
const deepest = 5
const widest = 200

/** Columns in order of first appearance. Names that end in "At" or hold "time" with values of epoch ms are marked as instants. */
export function inferColumns(rows: readonly unknown[]): ColumnType[] {
  const shape = shapeOf(rows.filter(isObject), 0)
  return [...shape.fields.entries()].slice(0, widest).map(([name, field]) => ({
    name,
    type: typeText(field),
    ...(field.seen < shape.objects ? { optional: true } : undefined),
    ...(isInstant(name, field) ? { instant: true } : undefined),
  }))
}

/** The type of a row: `{ a: string; b?: number }`. */
export function rowType(columns: readonly ColumnType[]): string {
  if (columns.length === 0) return 'Record<string, unknown>'
  return `{ ${columns.map(column => `${propertyName(column.name)}${column.optional === true ? '?' : ''}: ${column.type}`).join('; ')} }`
}

interface Field {
  /** In how many objects the field was there. */
  seen: number
  readonly kinds: Set<string>
  readonly objects: unknown[]
  readonly elements: unknown[]
  least: number
  most: number
}

interface Shape {
  readonly fields: Map<string, Field>
  readonly objects: number
}

function shapeOf(objects: readonly unknown[], depth: number): Shape {
  const fields = new Map<string, Field>()
  for (const object of objects) {
    for (const [name, value] of Object.entries(object as object)) {
      let field = fields.get(name)
      if (field === undefined) {
        field = { seen: 0, kinds: new Set(), objects: [], elements: [], least: Infinity, most: -Infinity }
        fields.set(name, field)
      }
      field.seen++
      note(field, value, depth)
    }
  }
  return { fields, objects: objects.length }
}

function note(field: Field, value: unknown, depth: number): void {
  if (value === null) field.kinds.add('null')
  else if (Array.isArray(value)) {
    field.kinds.add('array')
    for (const element of value.slice(0, 100) as unknown[]) field.elements.push(element)
  } else if (value instanceof Uint8Array) field.kinds.add('Uint8Array')
  else if (value instanceof Date) field.kinds.add('Date')
  else if (typeof value === 'object') {
    field.kinds.add(depth >= deepest ? 'unknown' : 'object')
    field.objects.push(value)
  } else {
    field.kinds.add(value === undefined ? 'undefined' : typeof value)
    if (typeof value === 'number') {
      field.least = Math.min(field.least, value)
      field.most = Math.max(field.most, value)
    }
  }
}

const primitives = ['string', 'number', 'bigint', 'boolean', 'Date', 'Uint8Array'] as const

function typeText(field: Field, depth = 1): string {
  if (field.kinds.has('unknown')) return 'unknown'
  const parts: string[] = primitives.filter(kind => field.kinds.has(kind))
  if (field.kinds.has('object')) parts.push(objectText(field.objects, depth))
  if (field.kinds.has('array')) parts.push(arrayText(field.elements, depth))
  if (field.kinds.has('null')) parts.push('null')
  if (field.kinds.has('undefined')) parts.push('undefined')
  // Nothing but null was seen: anything may come.
  return parts.length === 0 || (parts.length === 1 && parts[0] === 'null') ? 'unknown' : parts.join(' | ')
}

function objectText(objects: readonly unknown[], depth: number): string {
  const shape = shapeOf(objects, depth)
  if (shape.fields.size === 0 || shape.fields.size > widest || depth >= deepest) return 'Record<string, unknown>'
  const inner = [...shape.fields.entries()].map(
    ([name, field]) => `${propertyName(name)}${field.seen < shape.objects ? '?' : ''}: ${typeText(field, depth + 1)}`,
  )
  return `{ ${inner.join('; ')} }`
}

function arrayText(elements: readonly unknown[], depth: number): string {
  if (elements.length === 0 || depth >= deepest) return 'unknown[]'
  const field: Field = { seen: 0, kinds: new Set(), objects: [], elements: [], least: Infinity, most: -Infinity }
  for (const element of elements) note(field, element, depth)
  const text = typeText(field, depth + 1)
  return text.includes('|') ? `(${text})[]` : `${text}[]`
}

function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)
}

/** 2001 to 2100 in ms, all of them whole. */
function isInstant(name: string, field: Field): boolean {
  if (field.kinds.size !== 1 || !field.kinds.has('number')) return false
  return (
    /(?:At|Time|_at|_time|^at|^time|^ts|timestamp|Timestamp)(?:Ms|_ms)?$/.test(name) &&
    field.least > 978_307_200_000 &&
    field.most < 4_102_444_800_000
  )
}

function isObject(row: unknown): row is object {
  return typeof row === 'object' && row !== null && !Array.isArray(row)
}
