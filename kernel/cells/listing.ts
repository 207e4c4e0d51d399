/** Names of the notebook after a cell, for completion, `%who` and magic expansion. Runs no code of the values. */
import type { NotebookName } from './protocol.ts'
import type { NameRecord, NameScope } from './scope.ts'

const STREAM = Symbol.for('riffle.stream')
const PARAM = Symbol.for('riffle.param')

export function branded(value: unknown, brand: symbol): value is Record<string | symbol, unknown> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  try {
    return Boolean((value as Record<symbol, unknown>)[brand])
  } catch {
    return false
  }
}

export const isStream = (value: unknown): value is Record<string | symbol, unknown> => branded(value, STREAM)
export const isParam = (value: unknown): value is Record<string | symbol, unknown> => branded(value, PARAM)

export function listNames(scope: NameScope): NotebookName[] {
  const names: NotebookName[] = []
  for (const [name, record] of scope.records) {
    const property = Object.getOwnPropertyDescriptor(scope.values, name)
    if (property === undefined) continue
    const value: unknown = 'value' in property ? property.value : undefined
    const kind = record.kind === 'import' ? 'import' : kindOf(value)
    names.push({ name, kind, cellId: record.cellId, preview: kind === 'import' ? importText(record) : preview(value) })
  }
  return names
}

function importText(record: NameRecord): string {
  return record.origin === undefined ? '' : `from ${record.origin.specifier}`
}

function kindOf(value: unknown): NotebookName['kind'] {
  if (isStream(value)) return 'stream'
  if (isParam(value)) return 'param'
  if (typeof value !== 'function') return 'value'
  return Function.prototype.toString.call(value).startsWith('class') ? 'class' : 'function'
}

export function preview(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > 60 ? `${JSON.stringify(value.slice(0, 57))}…` : JSON.stringify(value)
    case 'bigint':
      return `${value}n`
    case 'symbol':
      return value.toString()
    case 'function':
      return `${value.name === '' ? 'function' : value.name}(${value.length})`
    case 'object':
      return value === null ? 'null' : objectText(value)
    default:
      return String(value)
  }
}

function objectText(value: object): string {
  try {
    if (isStream(value)) return 'Stream'
    if (Array.isArray(value)) return `Array(${value.length})`
    if (value instanceof Map || value instanceof Set) return `${value.constructor.name}(${value.size})`
    if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${value.byteLength} bytes)`
    const made = (Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null)?.constructor?.name
    return typeof made === 'string' && made !== 'Object' ? made : `{ ${Object.keys(value).slice(0, 6).join(', ')} }`
  } catch {
    return 'object'
  }
}
