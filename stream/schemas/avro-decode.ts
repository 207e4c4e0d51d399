/**
 * Avro bytes to JavaScript values: a schema becomes a function once, which then reads every record. Given a reader's schema as
 * well, the function reads what one version wrote as the other version: fields by name or alias, defaults for what is new, what
 * is gone skipped, numbers widened (Avro 1.12, "Schema Resolution").
 *
 * Our own instead of avsc's, which a value of five bytes keeps busy for ever; see docs/decisions/own-avro-codec.md.
 */
import { Buffer } from 'node:buffer'
import { AvroFault, AvroInput } from './avro-input.ts'
import { fromLogical } from './avro-logical.ts'
import { branchName, isNamed, isWrapped, shortName } from './avro-schema.ts'
import type { AvroNode, EnumNode, Field, FixedNode, RecordNode, UnionNode } from './avro-schema.ts'

type Read = (input: AvroInput) => unknown
type Skip = (input: AvroInput) => void

/** Decodes one value; the whole range must be read. Throws AvroFault with the reason. */
export type AvroDecoder = (bytes: Buffer, start: number, end: number) => unknown

/**
 * Makes a decoder of what `writer` wrote, read as `reader`. Throws AvroFault when the one can never be read as the other; what
 * depends on the value (a branch of a union, a symbol) is told when it comes.
 */
export function avroDecoder(writer: AvroNode, reader: AvroNode = writer): AvroDecoder {
  const read = new Resolver().reader(writer, reader, '')
  return (bytes, start, end) => {
    const input = new AvroInput(bytes, start, end)
    const value = read(input)
    if (input.left > 0) throw new AvroFault(`${input.left} bytes are left over`)
    return value
  }
}

class Resolver {
  /** Records in the making and made, by writer and reader: recursion ends here. */
  readonly #records = new Map<RecordNode, Map<RecordNode, { read: Read | undefined }>>()
  readonly #skips = new Map<RecordNode, { skip: Skip | undefined }>()

  reader(writer: AvroNode, reader: AvroNode, path: string): Read {
    if (writer.kind === 'union') return this.#fromUnion(writer, reader, path)
    if (reader.kind === 'union') return this.#intoUnion(writer, reader, path)
    const raw = this.#raw(writer, reader, path)
    const { logical } = reader as FixedNode
    return logical === undefined || logical.kind === 'timestamp-millis'
      ? raw
      : input => fromLogical(logical, raw(input))
  }

  #raw(writer: AvroNode, reader: AvroNode, path: string): Read {
    switch (reader.kind) {
      case 'null':
        return writer.kind === 'null' ? () => null : refused(writer, reader, path)
      case 'boolean':
        return writer.kind === 'boolean' ? input => input.boolean() : refused(writer, reader, path)
      case 'int':
        return writer.kind === 'int' ? input => input.int() : refused(writer, reader, path)
      case 'long':
        if (writer.kind === 'int') return input => input.int()
        return writer.kind === 'long' ? input => input.long() : refused(writer, reader, path)
      case 'float':
      case 'double':
        return number(writer, reader, path)
      case 'string':
      case 'bytes':
        if (writer.kind !== 'string' && writer.kind !== 'bytes') return refused(writer, reader, path)
        return reader.kind === 'string' ? input => input.string() : input => input.bytes()
      case 'fixed':
        if (writer.kind !== 'fixed' || !sameName(writer, reader) || writer.size !== reader.size)
          return refused(writer, reader, path)
        return input => input.fixed(reader.size)
      case 'enum':
        return writer.kind === 'enum' && sameName(writer, reader)
          ? symbols(writer, reader, path)
          : refused(writer, reader, path)
      case 'array':
        if (writer.kind !== 'array') return refused(writer, reader, path)
        return list(this.reader(writer.items, reader.items, `${path}[]`), leastBytes(writer.items))
      case 'map':
        if (writer.kind !== 'map') return refused(writer, reader, path)
        return map(this.reader(writer.values, reader.values, `${path}{}`))
      case 'record':
        return writer.kind === 'record' ? this.#record(writer, reader, path) : refused(writer, reader, path)
      case 'union':
        return refused(writer, reader, path)
    }
  }

  /** One reader a branch. A branch that cannot be read is told only when it comes: the others are fine. */
  #fromUnion(writer: UnionNode, reader: AvroNode, path: string): Read {
    const branches = writer.branches.map((branch): Read => {
      try {
        return this.reader(branch, reader === writer ? branch : reader, path)
      } catch (fault) {
        if (!(fault instanceof AvroFault)) throw fault
        return () => {
          throw new AvroFault(fault.message)
        }
      }
    })
    const wrapped = reader === writer && isWrapped(writer)
    const names = writer.branches.map(branchName)
    return input => {
      const index = input.long()
      const read = branches[index as number]
      if (read === undefined) throw new AvroFault(`a union has no branch ${index}`)
      const value = read(input)
      return wrapped && value !== null ? { [names[index as number]!]: value } : value
    }
  }

  #intoUnion(writer: AvroNode, reader: UnionNode, path: string): Read {
    const branch = branchFor(writer, reader)
    if (branch === undefined) return refused(writer, reader, path)
    const read = this.reader(writer, branch, path)
    if (!isWrapped(reader)) return read
    const name = branchName(branch)
    return input => {
      const value = read(input)
      return value === null ? null : { [name]: value }
    }
  }

  #record(writer: RecordNode, reader: RecordNode, path: string): Read {
    let made = this.#records.get(writer)
    if (made === undefined) this.#records.set(writer, (made = new Map()))
    const known = made.get(reader)
    if (known?.read !== undefined) return known.read
    if (known !== undefined) {
      return input => {
        input.down()
        const value = known.read!(input)
        input.up()
        return value
      }
    }
    const entry: { read: Read | undefined } = { read: undefined }
    made.set(reader, entry)
    entry.read = this.#fields(writer, reader, path)
    return entry.read
  }

  #fields(writer: RecordNode, reader: RecordNode, path: string): Read {
    const steps: (Read | Skip)[] = []
    const read = new Set<Field>()
    const names: (string | undefined)[] = writer.fields.map(field => {
      const target = fieldFor(field, reader, writer)
      if (target === undefined) {
        steps.push(this.#skip(field.type))
        return undefined
      }
      read.add(target)
      steps.push(this.reader(field.type, target.type, `${path}${path === '' ? '' : '.'}${target.name}`))
      return target.name
    })
    const defaults = reader.fields.filter(field => !read.has(field))
    const fallbacks = defaults.map(field => {
      if (field.default !== undefined) return defaultOf(field.type, field.default.json)
      throw new AvroFault(
        `${at(`${path}${path === '' ? '' : '.'}${field.name}`)}was not written and has no default to stand for it`,
      )
    })
    return recordMaker(reader, names, steps, defaults, fallbacks)
  }

  #skip(node: AvroNode): Skip {
    switch (node.kind) {
      case 'null':
        return () => undefined
      case 'boolean':
        return input => input.skip(1)
      case 'int':
      case 'long':
      case 'enum':
        return input => void input.long()
      case 'float':
        return input => input.skip(4)
      case 'double':
        return input => input.skip(8)
      case 'string':
      case 'bytes':
        return input => input.skipBytes()
      case 'fixed':
        return input => input.skip(node.size)
      case 'array':
        return skipList(this.#skip(node.items), leastBytes(node.items))
      case 'map': {
        const skip = this.#skip(node.values)
        return skipList(input => {
          input.skipBytes()
          skip(input)
        }, 1)
      }
      case 'union': {
        const branches = node.branches.map(branch => this.#skip(branch))
        return input => {
          const index = input.long()
          const skip = branches[index as number]
          if (skip === undefined) throw new AvroFault(`a union has no branch ${index}`)
          skip(input)
        }
      }
      case 'record':
        return this.#skipRecord(node)
    }
  }

  #skipRecord(node: RecordNode): Skip {
    const known = this.#skips.get(node)
    if (known === undefined) {
      const entry: { skip: Skip | undefined } = { skip: undefined }
      this.#skips.set(node, entry)
      const skips = node.fields.map(field => this.#skip(field.type))
      entry.skip = input => {
        for (const skip of skips) skip(input)
      }
      return entry.skip
    }
    return input => {
      input.down()
      known.skip!(input)
      input.up()
    }
  }
}

function number(writer: AvroNode, reader: AvroNode, path: string): Read {
  switch (writer.kind) {
    case 'int':
      return reader.kind === 'float' ? input => Math.fround(input.int()) : input => input.int()
    case 'long':
      return reader.kind === 'float' ? input => Math.fround(Number(input.long())) : input => Number(input.long())
    case 'float':
      return input => input.float()
    case 'double':
      return reader.kind === 'double' ? input => input.double() : refused(writer, reader, path)
    default:
      return refused(writer, reader, path)
  }
}

function symbols(writer: EnumNode, reader: EnumNode, path: string): Read {
  const read = writer.symbols.map(symbol => (reader.symbols.includes(symbol) ? symbol : reader.default))
  return input => {
    const index = input.long() as number
    if (writer.symbols[index] === undefined)
      throw new AvroFault(`${at(path)}symbol ${index} of ${writer.symbols.length}`)
    const symbol = read[index]
    if (symbol === undefined)
      throw new AvroFault(`${at(path)}"${writer.symbols[index]}" is no symbol of enum ${shortName(reader.name)}`)
    return symbol
  }
}

function list(read: Read, least: number): Read {
  return input => {
    const items: unknown[] = []
    for (let count = input.block(least); count > 0; count = input.block(least))
      for (let i = 0; i < count; i++) items.push(read(input))
    return items
  }
}

function map(read: Read): Read {
  return input => {
    const entries: Record<string, unknown> = {}
    for (let count = input.block(1); count > 0; count = input.block(1))
      for (let i = 0; i < count; i++) put(entries, input.string(), read(input))
    return entries
  }
}

function skipList(skip: Skip, least: number): Skip {
  return input => {
    for (let count = input.block(least); count > 0; count = input.block(least))
      for (let i = 0; i < count; i++) skip(input)
  }
}

/** `__proto__` is a key like any other. */
function put(entries: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__')
    Object.defineProperty(entries, name, { value, enumerable: true, configurable: true, writable: true })
  else entries[name] = value
}

/**
 * One function for the fields of a record, written out so that all its objects have one shape. Names of fields are letters,
 * digits and _, checked by the parser: nothing else of a schema gets into the text.
 */
function recordMaker(
  reader: RecordNode,
  names: readonly (string | undefined)[],
  steps: readonly (Read | Skip)[],
  defaults: readonly Field[],
  fallbacks: readonly (() => unknown)[],
): Read {
  const source = new Map<string, string>()
  const lines = steps.map((_, i) => {
    const name = names[i]
    if (name === undefined) return `s[${i}](input)`
    source.set(name, `v${i}`)
    return `const v${i} = s[${i}](input)`
  })
  defaults.forEach((field, i) => source.set(field.name, `d[${i}]()`))
  const made = reader.fields.map(({ name }) => `["${name}"]: ${source.get(name)!}`)
  // oxlint-disable-next-line no-implied-eval -- see above
  const build = new Function('s', 'd', `return input => { ${lines.join('; ')}; return { ${made.join(', ')} } }`) as (
    s: readonly (Read | Skip)[],
    d: readonly (() => unknown)[],
  ) => Read
  return build(steps, fallbacks)
}

/** The reader's field that a writer's field goes to: of the same name, or with that name as an alias. */
function fieldFor(field: Field, reader: RecordNode, writer: RecordNode): Field | undefined {
  const same = reader.fields.find(({ name }) => name === field.name)
  if (same !== undefined) return same
  return reader.fields.find(
    ({ name, aliases }) => aliases.includes(field.name) && !writer.fields.some(other => other.name === name),
  )
}

/** The branch a value is read as: the same type first, then the first it can be widened to. */
export function branchFor(writer: AvroNode, reader: UnionNode): AvroNode | undefined {
  return (
    reader.branches.find(branch => branch.kind === writer.kind && (!isNamed(branch) || sameFullName(branch, writer))) ??
    reader.branches.find(branch => branch.kind === writer.kind && (!isNamed(branch) || sameName(writer, branch))) ??
    reader.branches.find(branch => widens(writer.kind, branch.kind))
  )
}

/** Kinds that are read as another without loss of meaning. */
export function widens(from: AvroNode['kind'], to: AvroNode['kind']): boolean {
  switch (from) {
    case 'int':
      return to === 'long' || to === 'float' || to === 'double'
    case 'long':
      return to === 'float' || to === 'double'
    case 'float':
      return to === 'double'
    case 'string':
      return to === 'bytes'
    case 'bytes':
      return to === 'string'
    default:
      return false
  }
}

function sameFullName(a: AvroNode, b: AvroNode): boolean {
  return isNamed(a) && isNamed(b) && a.name === b.name
}

/** Named types match by their name without its namespace, or by an alias of the reader's. */
export function sameName(writer: AvroNode, reader: AvroNode): boolean {
  if (!isNamed(writer) || !isNamed(reader)) return false
  const name = shortName(writer.name)
  return shortName(reader.name) === name || reader.aliases.some(alias => shortName(alias) === name)
}

/** A function that gives the value a default stands for, a new one each time. */
export function defaultOf(node: AvroNode, json: unknown): () => unknown {
  const { logical } = node as FixedNode
  const dress = (raw: unknown) => (logical === undefined ? raw : fromLogical(logical, raw))
  switch (node.kind) {
    case 'union': {
      const branch = node.branches.find(each => fits(each, json)) ?? node.branches[0]!
      const inner = defaultOf(branch, json)
      if (!isWrapped(node) || branch.kind === 'null') return inner
      const name = branchName(branch)
      return () => ({ [name]: inner() })
    }
    case 'bytes':
    case 'fixed':
      return () => dress(new Uint8Array(Buffer.from(String(json), 'latin1')))
    case 'array': {
      const items = (Array.isArray(json) ? (json as unknown[]) : []).map(item => defaultOf(node.items, item))
      return () => items.map(item => item())
    }
    case 'map': {
      const values = Object.entries(json ?? {}).map(([name, value]) => [name, defaultOf(node.values, value)] as const)
      return () => {
        const entries: Record<string, unknown> = {}
        for (const [name, value] of values) put(entries, name, value())
        return entries
      }
    }
    case 'record': {
      const given = (json ?? {}) as Record<string, unknown>
      const fields = node.fields.map(field => {
        const value = Object.hasOwn(given, field.name) ? given[field.name] : field.default?.json
        return [field.name, defaultOf(field.type, value)] as const
      })
      return () => {
        const record: Record<string, unknown> = {}
        for (const [name, value] of fields) put(record, name, value())
        return record
      }
    }
    default:
      return () => dress(json)
  }
}

/** Whether the JSON of a default is one of this type. */
export function fits(node: AvroNode, json: unknown): boolean {
  switch (node.kind) {
    case 'null':
      return json === null
    case 'boolean':
      return typeof json === 'boolean'
    case 'int':
      return Number.isInteger(json) && Math.abs(json as number) <= 2147483648
    case 'long':
      return Number.isInteger(json)
    case 'float':
    case 'double':
      return typeof json === 'number'
    case 'string':
    case 'bytes':
      return typeof json === 'string'
    case 'fixed':
      return typeof json === 'string' && json.length === node.size
    case 'enum':
      return typeof json === 'string' && node.symbols.includes(json)
    case 'array':
      return Array.isArray(json) && json.every(item => fits(node.items, item))
    case 'map':
      return isObject(json) && Object.values(json).every(value => fits(node.values, value))
    case 'record':
      return (
        isObject(json) &&
        node.fields.every(({ name, type, default: own }) =>
          Object.hasOwn(json, name) ? fits(type, json[name]) : own !== undefined,
        )
      )
    case 'union':
      return node.branches.some(branch => fits(branch, json))
  }
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

/** The least number of bytes a value can take; types that hold themselves count as nothing. */
function leastBytes(node: AvroNode, inside: readonly AvroNode[] = []): number {
  switch (node.kind) {
    case 'null':
      return 0
    case 'float':
      return 4
    case 'double':
      return 8
    case 'fixed':
      return node.size
    case 'record': {
      if (inside.includes(node)) return 0
      const within = [...inside, node]
      return node.fields.reduce((sum, field) => sum + leastBytes(field.type, within), 0)
    }
    default:
      return 1
  }
}

function refused(writer: AvroNode, reader: AvroNode, path: string): never {
  throw new AvroFault(`${at(path)}${told(writer)} cannot be read as ${told(reader)}`)
}

function at(path: string): string {
  return path === '' ? '' : `field ${path}: `
}

/** A type in a few words. */
export function told(node: AvroNode): string {
  if (node.kind === 'union') return `one of ${node.branches.map(told).join(', ')}`
  if (node.kind === 'fixed') return `fixed ${shortName(node.name)} of ${node.size} bytes`
  return isNamed(node) ? `${node.kind} ${shortName(node.name)}` : node.kind
}
