/** TypeScript of an Avro schema, as the decoder gives it: made from the same nodes and the same rules, so a type never lies. */
import { branchName, bucketOf, isWrapped, shortName } from './avro-schema.ts'
import type { ColumnType } from '../model.ts'
import type { AvroNode, RecordNode } from './avro-schema.ts'

/** Columns of a row. What is no record sits in `value`, as everywhere. */
export function avroColumns(node: AvroNode): ColumnType[] {
  if (node.kind !== 'record') return [{ name: 'value', type: typeOf(node, []) }]
  return node.fields.map(({ name, type, doc }) => ({
    name,
    type: typeOf(type, [node]),
    ...(doc === undefined ? undefined : { doc }),
    ...(isInstant(type) ? { instant: true } : undefined),
  }))
}

function typeOf(node: AvroNode, inside: readonly RecordNode[]): string {
  switch (node.kind) {
    case 'null':
    case 'boolean':
      return node.kind
    case 'long':
      // 64 bits do not fit a number: beyond 2^53 the decoder gives a bigint.
      return node.logical === undefined ? 'number | bigint' : 'number'
    case 'int':
    case 'float':
    case 'double':
    case 'string':
      return bucketOf(node) === 'date' ? 'Date' : node.kind === 'string' ? 'string' : 'number'
    case 'bytes':
    case 'fixed': {
      if (node.logical?.kind === 'duration') return '{ months: number; days: number; millis: number }'
      const bucket = bucketOf(node)
      return bucket === 'bytes' ? 'Uint8Array' : bucket
    }
    case 'enum':
      return node.symbols.length === 0 ? 'never' : node.symbols.map(symbol => JSON.stringify(symbol)).join(' | ')
    case 'array': {
      const items = typeOf(node.items, inside)
      return /union|enum|long/.test(node.items.kind) && items.includes('|') ? `(${items})[]` : `${items}[]`
    }
    case 'map':
      return `Record<string, ${typeOf(node.values, inside)}>`
    case 'record':
      // A type that holds itself has no end when written in place.
      if (inside.includes(node)) return 'unknown'
      return node.fields.length === 0 ? 'Record<string, never>' : fields(node, [...inside, node])
    case 'union': {
      const wrapped = isWrapped(node)
      const parts = node.branches.map(branch => {
        const type = typeOf(branch, inside)
        return wrapped && branch.kind !== 'null' ? `{ ${key(branchName(branch))}: ${type} }` : type
      })
      const first = (type: string) => (type === 'null' ? 1 : 0)
      return [...new Set(parts.flatMap(part => (/[{(<]/.test(part) ? [part] : part.split(' | '))))]
        .sort((a, b) => first(a) - first(b))
        .join(' | ')
    }
  }
}

function fields(node: RecordNode, inside: readonly RecordNode[]): string {
  return `{ ${node.fields.map(({ name, type }) => `${name}: ${typeOf(type, inside)}`).join('; ')} }`
}

function key(name: string): string {
  return shortName(name) === name ? name : JSON.stringify(name)
}

function isInstant(node: AvroNode): boolean {
  if (node.kind === 'union')
    return node.branches.some(isInstant) && node.branches.every(each => each.kind === 'null' || isInstant(each))
  return node.kind === 'long' && node.logical !== undefined
}
