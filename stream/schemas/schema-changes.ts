/** What changed between two schemas, field by field, in the words of the schema. */
import { parseAvro, shortName } from './avro-schema.ts'
import { told } from './avro-decode.ts'
import type { AvroNode, Field, RecordNode } from './avro-schema.ts'
import type { SchemaText } from '../schema-model.ts'

export interface SchemaChange {
  /** `customer.zip`; empty for the whole. */
  readonly field: string
  readonly change: 'added' | 'removed' | 'changed'
  readonly before: string
  readonly after: string
}

/** Empty when both say the same. Schemas that are no Avro are compared as text. */
export function schemaChanges(before: SchemaText, after: SchemaText): SchemaChange[] {
  if (before.type !== 'AVRO' || after.type !== 'AVRO') {
    if (before.type === after.type && before.text === after.text) return []
    return [{ field: '', change: 'changed', before: before.text, after: after.text }]
  }
  const changes: SchemaChange[] = []
  compare(parseAvro(before.text, before.references), parseAvro(after.text, after.references), '', changes, new Set())
  return changes
}

function compare(before: AvroNode, after: AvroNode, path: string, changes: SchemaChange[], seen: Set<AvroNode>): void {
  if (before.kind === 'record' && after.kind === 'record') {
    if (seen.has(before)) return
    seen.add(before)
    if (before.name !== after.name) changed(path, before.name, after.name, changes)
    return compareFields(before, after, path, changes, seen)
  }
  if (before.kind === 'array' && after.kind === 'array')
    return compare(before.items, after.items, `${path}[]`, changes, seen)
  if (before.kind === 'map' && after.kind === 'map')
    return compare(before.values, after.values, `${path}{}`, changes, seen)
  changed(path, detail(before), detail(after), changes)
}

function compareFields(
  before: RecordNode,
  after: RecordNode,
  path: string,
  changes: SchemaChange[],
  seen: Set<AvroNode>,
): void {
  const at = (field: Field) => (path === '' ? field.name : `${path}.${field.name}`)
  for (const field of after.fields) {
    const old = before.fields.find(({ name }) => name === field.name)
    if (old === undefined) changes.push({ field: at(field), change: 'added', before: '', after: fieldText(field) })
    else {
      compare(old.type, field.type, at(field), changes, seen)
      const [was, is] = [defaultText(old), defaultText(field)]
      if (was !== is) changed(at(field), was === '' ? 'no default' : was, is === '' ? 'no default' : is, changes)
    }
  }
  for (const field of before.fields) {
    if (!after.fields.some(({ name }) => name === field.name))
      changes.push({ field: at(field), change: 'removed', before: fieldText(field), after: '' })
  }
}

function changed(field: string, before: string, after: string, changes: SchemaChange[]): void {
  if (before !== after) changes.push({ field, change: 'changed', before, after })
}

function fieldText(field: Field): string {
  const value = defaultText(field)
  return `${detail(field.type)}${value === '' ? '' : `, ${value}`}`
}

function defaultText(field: Field): string {
  return field.default === undefined ? '' : `default ${JSON.stringify(field.default.json)}`
}

function detail(node: AvroNode): string {
  switch (node.kind) {
    case 'enum':
      return `enum ${shortName(node.name)} (${node.symbols.join(', ')})`
    case 'array':
      return `array of ${detail(node.items)}`
    case 'map':
      return `map of ${detail(node.values)}`
    case 'union':
      return node.branches.map(detail).join(' or ')
    case 'record':
      return told(node)
    default:
      return 'logical' in node && node.logical !== undefined ? `${told(node)} (${node.logical.kind})` : told(node)
  }
}
