/**
 * A schema for rows that have none yet, so that a topic may be written as Avro at once. Numbers are doubles, because the next row
 * may have a fraction; bigints are longs; epoch milliseconds under a name like `orderedAt`, and dates, are timestamps. A field that
 * is null or absent in some row may be null, and that is its default.
 */
import { StreamError } from '../errors.ts'
import { inferColumns } from './infer.ts'

/** The text of a record schema called `name`. Throws SCHEMA_INVALID when the rows have no schema in common. */
export function inferAvro(rows: readonly unknown[], name: string): string {
  const objects = rows.filter(row => row !== null)
  const wrong = objects.find(row => !isObject(row))
  if (wrong !== undefined || objects.length === 0)
    throw notInferred(`a row is ${objects.length === 0 ? 'needed' : `${kindOf(wrong)}, an object is needed`}`)
  return JSON.stringify(recordOf(objects as Record<string, unknown>[], pascal(name), ''))
}

function recordOf(rows: readonly Record<string, unknown>[], name: string, path: string): object {
  const names = new Set(rows.flatMap(row => Object.keys(row)))
  const instants = new Set(inferColumns(rows).flatMap(column => (column.instant === true ? [column.name] : [])))
  const fields = [...names].map(field => {
    const at = path === '' ? field : `${path}.${field}`
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(field)) throw notInferred(`"${at}" is no name of an Avro field`)
    const values = rows.map(row => row[field])
    const present = values.filter(value => value !== null && value !== undefined)
    const instant = instants.has(field) || field === 'windowStart' || field === 'windowEnd'
    const type = typeOf(present, `${name}${pascal(field)}`, at, instant)
    if (present.length === values.length) return { name: field, type }
    return { name: field, type: type === 'null' ? type : ['null', type], default: null }
  })
  return { type: 'record', name, fields }
}

function typeOf(values: readonly unknown[], name: string, path: string, instant: boolean): unknown {
  const kinds = [...new Set(values.map(kindOf))]
  if (kinds.length === 0) return 'null'
  if (kinds.length > 1 && !kinds.every(kind => kind === 'a number' || kind === 'a bigint'))
    throw notInferred(`field ${path} is ${kinds.join(' in one row and ')} in another`)
  switch (kinds[0]) {
    case 'text':
      return 'string'
    case 'a number':
      return instant && kinds.length === 1 ? { type: 'long', logicalType: 'timestamp-millis' } : 'double'
    case 'a bigint':
      return kinds.length === 1 ? 'long' : 'double'
    case 'a boolean':
      return 'boolean'
    case 'a Date':
      return { type: 'long', logicalType: 'timestamp-millis' }
    case 'bytes':
      return 'bytes'
    case 'a list': {
      const items = (values as unknown[][]).flat()
      return { type: 'array', items: items.some(item => item === null) ? ['null', typeOf(items.filter(item => item !== null), name, `${path}[]`, false)] : items.length === 0 ? 'string' : typeOf(items, name, `${path}[]`, false) } // prettier-ignore
    }
    case 'an object':
      return recordOf(values as Record<string, unknown>[], name, path)
    default:
      throw notInferred(`field ${path} is ${kinds[0]}`)
  }
}

function kindOf(value: unknown): string {
  if (typeof value === 'string') return 'text'
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return `a ${typeof value}`
  if (value instanceof Date) return 'a Date'
  if (value instanceof Uint8Array) return 'bytes'
  if (Array.isArray(value)) return 'a list'
  return isObject(value) ? 'an object' : `a ${typeof value}`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value) &&
    !(value instanceof Date)
  )
}

/** `order-lines.v1` → `OrderLinesV1`. */
function pascal(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter(word => word !== '')
  const text = words.map(word => word[0]!.toUpperCase() + word.slice(1)).join('')
  return /^[A-Za-z]/.test(text) ? text : `R${text}`
}

function notInferred(reason: string): StreamError {
  return new StreamError({
    code: 'SCHEMA_INVALID',
    message: `Cannot make an Avro schema of the rows: ${reason}`,
    hint: '%schema register TOPIC-value --file FILE says what the topic holds',
  })
}
