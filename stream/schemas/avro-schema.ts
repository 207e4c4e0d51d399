/**
 * Avro schemas as a checked graph: names resolved with their namespaces, defaults kept, recursion by reference. Everything that
 * reads, writes, types or compares schemas walks these nodes. Rules: Avro 1.12 specification, "Schema Declaration" and "Names".
 */
import { StreamError } from '../errors.ts'

export type Primitive = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'

export type Logical =
  | { readonly kind: 'timestamp-millis' | 'timestamp-micros' | 'date' | 'uuid' | 'duration' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }

export interface PrimitiveNode {
  readonly kind: Primitive
  readonly logical?: Logical | undefined
}

export interface Named {
  /** With its namespace. */
  readonly name: string
  readonly aliases: readonly string[]
  readonly doc?: string | undefined
}

export interface FixedNode extends Named {
  readonly kind: 'fixed'
  readonly size: number
  readonly logical?: Logical | undefined
}

export interface EnumNode extends Named {
  readonly kind: 'enum'
  readonly symbols: readonly string[]
  readonly default?: string | undefined
}

export interface RecordNode extends Named {
  readonly kind: 'record'
  /** Filled after the node was made, because a field may refer to its record. */
  readonly fields: Field[]
}

export interface Field {
  readonly name: string
  readonly aliases: readonly string[]
  readonly doc?: string | undefined
  readonly type: AvroNode
  /** The JSON of the default; absent: none. */
  readonly default?: { readonly json: unknown } | undefined
}

export interface ArrayNode {
  readonly kind: 'array'
  readonly items: AvroNode
}

export interface MapNode {
  readonly kind: 'map'
  readonly values: AvroNode
}

export interface UnionNode {
  readonly kind: 'union'
  readonly branches: readonly AvroNode[]
}

export type AvroNode = PrimitiveNode | FixedNode | EnumNode | RecordNode | ArrayNode | MapNode | UnionNode

const primitives = new Set<string>(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])
const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Parses a schema after those it refers to. Throws SCHEMA_INVALID with the path of the mistake. */
export function parseAvro(text: string, references: readonly string[] = []): AvroNode {
  const names = new Map<string, AvroNode>()
  for (const reference of references) parseOne(reference, names)
  return parseOne(text, names)
}

function parseOne(text: string, names: Map<string, AvroNode>): AvroNode {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    // A bare name is a schema too, and registries return it without its quotes.
    if (!primitives.has(text.trim()))
      throw invalid('schema', `it is no JSON (${cause instanceof Error ? cause.message : 'not parsed'})`)
    json = text.trim()
  }
  return new Parser(names).node(json, undefined, 'schema')
}

class Parser {
  readonly #names: Map<string, AvroNode>

  constructor(names: Map<string, AvroNode>) {
    this.#names = names
  }

  node(json: unknown, namespace: string | undefined, path: string): AvroNode {
    if (typeof json === 'string') return this.#byName(json, namespace, path)
    if (Array.isArray(json)) return this.#union(json, namespace, path)
    if (typeof json !== 'object' || json === null) throw invalid(path, `it is ${shown(json)}, a schema is needed`)
    const schema = json as Record<string, unknown>
    const { type } = schema
    if (typeof type === 'object' && type !== null) return this.node(type, namespace, path)
    if (typeof type !== 'string') throw invalid(path, 'it has no "type"')
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(schema, namespace, path)
      case 'enum':
        return this.#enum(schema, namespace, path)
      case 'fixed':
        return this.#fixed(schema, namespace, path)
      case 'array':
        return { kind: 'array', items: this.node(schema['items'], namespace, `${path}[]`) }
      case 'map':
        return { kind: 'map', values: this.node(schema['values'], namespace, `${path}{}`) }
      default:
        if (!primitives.has(type)) return this.#byName(type, namespace, path)
        return withLogical({ kind: type as Primitive }, logicalOf(schema, type as Primitive))
    }
  }

  #byName(name: string, namespace: string | undefined, path: string): AvroNode {
    if (primitives.has(name)) return { kind: name as Primitive }
    const full = name.includes('.') || namespace === undefined ? name : `${namespace}.${name}`
    const found = this.#names.get(full) ?? this.#names.get(name)
    if (found !== undefined) return found
    throw invalid(path, `type ${shown(name)} is not known`)
  }

  #union(json: readonly unknown[], namespace: string | undefined, path: string): UnionNode {
    if (json.length === 0) throw invalid(path, 'a union of nothing')
    const branches = json.map((each, i) => this.node(each, namespace, `${path}|${i}`))
    const seen = new Set<string>()
    for (const branch of branches) {
      if (branch.kind === 'union') throw invalid(path, 'a union may not stand in a union')
      const name = branchName(branch)
      if (seen.has(name)) throw invalid(path, `the union names ${shown(name)} twice`)
      seen.add(name)
    }
    return { kind: 'union', branches }
  }

  #record(schema: Readonly<Record<string, unknown>>, outer: string | undefined, path: string): RecordNode {
    const named = this.#named(schema, outer, path)
    const { fields } = schema
    if (!Array.isArray(fields)) throw invalid(path, `record ${shown(named.name)} has no "fields"`)
    const record: RecordNode = { kind: 'record', ...named, fields: [] }
    this.#define(record, path)
    const namespace = namespaceOf(named.name)
    const seen = new Set<string>()
    for (const json of fields as unknown[]) {
      const field = this.#field(json, namespace, path === 'schema' ? '' : `${path}.`)
      if (seen.has(field.name)) throw invalid(path, `field ${shown(field.name)} stands twice`)
      seen.add(field.name)
      record.fields.push(field)
    }
    return record
  }

  #field(json: unknown, namespace: string | undefined, path: string): Field {
    if (typeof json !== 'object' || json === null) throw invalid(path || 'schema', `a field is ${shown(json)}`)
    const field = json as Record<string, unknown>
    const { name } = field
    if (typeof name !== 'string' || !namePattern.test(name))
      throw invalid(path || 'schema', `${shown(name)} is no name of a field: letters, digits and _ are`)
    const at = `${path}${name}`
    const type = this.node(field['type'], namespace, at)
    const made = { name, aliases: texts(field['aliases']), doc: docOf(field), type }
    if (!('default' in field)) return made
    return { ...made, default: { json: field['default'] } }
  }

  #enum(schema: Readonly<Record<string, unknown>>, outer: string | undefined, path: string): EnumNode {
    const named = this.#named(schema, outer, path)
    const symbols = texts(schema['symbols'])
    const wrong = symbols.find(symbol => !namePattern.test(symbol))
    if (wrong !== undefined) throw invalid(path, `${shown(wrong)} is no symbol of an enum`)
    if (new Set(symbols).size < symbols.length) throw invalid(path, `enum ${shown(named.name)} has a symbol twice`)
    const fallback = schema['default']
    if (fallback !== undefined && !symbols.includes(fallback as string))
      throw invalid(path, `default ${shown(fallback)} of enum ${shown(named.name)} is none of its symbols`)
    const made: EnumNode = { kind: 'enum', ...named, symbols, default: fallback as string | undefined }
    this.#define(made, path)
    return made
  }

  #fixed(schema: Readonly<Record<string, unknown>>, outer: string | undefined, path: string): FixedNode {
    const named = this.#named(schema, outer, path)
    const { size } = schema
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 0)
      throw invalid(path, `fixed ${shown(named.name)} has size ${shown(size)}`)
    const made: FixedNode = { kind: 'fixed', ...named, size, logical: logicalOf(schema, 'fixed', size) }
    this.#define(made, path)
    return made
  }

  #named(schema: Readonly<Record<string, unknown>>, outer: string | undefined, path: string): Named {
    const { name, namespace } = schema
    if (typeof name !== 'string') throw invalid(path, `a ${String(schema['type'])} has no name`)
    const own = typeof namespace === 'string' && namespace !== '' ? namespace : outer
    const full = name.includes('.') || own === undefined ? name : `${own}.${name}`
    if (!full.split('.').every(part => namePattern.test(part)))
      throw invalid(path, `${shown(name)} is no name of a type: letters, digits and _ are`)
    const space = namespaceOf(full)
    const aliases = texts(schema['aliases']).map(each =>
      each.includes('.') || space === undefined ? each : `${space}.${each}`,
    )
    return { name: full, aliases, doc: docOf(schema) }
  }

  #define(node: AvroNode & Named, path: string): void {
    if (this.#names.has(node.name)) throw invalid(path, `type ${shown(node.name)} is defined twice`)
    this.#names.set(node.name, node)
  }
}

/** Logical types that do not fit their type are ignored, as the specification asks. */
function logicalOf(schema: Readonly<Record<string, unknown>>, kind: string, size = 0): Logical | undefined {
  const { logicalType } = schema
  switch (logicalType) {
    case 'timestamp-millis':
    case 'timestamp-micros':
      return kind === 'long' ? { kind: logicalType } : undefined
    case 'local-timestamp-millis':
      return kind === 'long' ? { kind: 'timestamp-millis' } : undefined
    case 'local-timestamp-micros':
      return kind === 'long' ? { kind: 'timestamp-micros' } : undefined
    case 'date':
      return kind === 'int' ? { kind: 'date' } : undefined
    case 'uuid':
      return kind === 'string' || (kind === 'fixed' && size === 16) ? { kind: 'uuid' } : undefined
    case 'duration':
      return kind === 'fixed' && size === 12 ? { kind: 'duration' } : undefined
    case 'decimal': {
      const precision = Number(schema['precision'])
      const scale = Number(schema['scale'] ?? 0)
      const fits =
        (kind === 'bytes' || kind === 'fixed') &&
        Number.isInteger(precision) &&
        precision > 0 &&
        precision <= 10_000 &&
        Number.isInteger(scale) &&
        scale >= 0 &&
        scale <= precision
      return fits ? { kind: 'decimal', precision, scale } : undefined
    }
    default:
      return undefined
  }
}

function withLogical(node: PrimitiveNode, logical: Logical | undefined): PrimitiveNode {
  return logical === undefined ? node : { ...node, logical }
}

/** The name a branch has in a union: a type's full name, or its kind. */
export function branchName(node: AvroNode): string {
  return isNamed(node) ? node.name : node.kind
}

export function isNamed(node: AvroNode): node is RecordNode | EnumNode | FixedNode {
  return node.kind === 'record' || node.kind === 'enum' || node.kind === 'fixed'
}

/** `a.b.C` → `C`. */
export function shortName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

/**
 * What a value looks like in JavaScript. Branches of a union that look alike are written `{ branch: value }`, as in Avro's own
 * JSON; all others stand for themselves.
 */
export function bucketOf(node: AvroNode): string {
  switch (node.kind) {
    case 'int':
      return node.logical?.kind === 'date' ? 'date' : 'number'
    case 'long':
    case 'float':
    case 'double':
      return 'number'
    case 'bytes':
    case 'fixed':
      if (node.logical?.kind === 'decimal') return isExact(node.logical) ? 'string' : 'number'
      if (node.logical?.kind === 'duration') return 'object'
      return node.logical?.kind === 'uuid' ? 'string' : 'bytes'
    case 'enum':
    case 'string':
      return 'string'
    case 'record':
    case 'map':
      return 'object'
    default:
      return node.kind
  }
}

/** Fifteen digits and fewer come back the same from a number; more are text. */
export function isExact(logical: Extract<Logical, { kind: 'decimal' }>): boolean {
  return logical.precision > 15
}

export function isWrapped(union: UnionNode): boolean {
  const buckets = union.branches.map(bucketOf)
  return new Set(buckets).size < buckets.length
}

function namespaceOf(name: string): string | undefined {
  const dot = name.lastIndexOf('.')
  return dot < 0 ? undefined : name.slice(0, dot)
}

function texts(json: unknown): string[] {
  return Array.isArray(json) ? json.filter((each): each is string => typeof each === 'string') : []
}

function docOf(schema: Readonly<Record<string, unknown>>): string | undefined {
  const { doc } = schema
  return typeof doc === 'string' && doc.trim() !== '' ? doc.trim() : undefined
}

function shown(json: unknown): string {
  const text = JSON.stringify(json) ?? 'missing'
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

function invalid(path: string, reason: string): StreamError {
  return new StreamError({
    code: 'SCHEMA_INVALID',
    message: `Cannot read Avro schema: ${path === 'schema' ? '' : `at ${path}: `}${reason}`,
    hint: 'A schema looks like { "type": "record", "name": "Order", "fields": [{ "name": "id", "type": "string" }] }',
  })
}
