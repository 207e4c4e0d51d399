/**
 * May this schema follow those? Each reason why not is told with its field, the rule it breaks and what would make it pass;
 * registries say yes or no at best. The rules are those of schema resolution (Avro 1.12), asked in the directions a mode names:
 *
 *   BACKWARD   the new schema reads what the old one wrote: readers may be updated first
 *   FORWARD    the old schema reads what the new one writes: writers may be updated first
 *   FULL       both;   …_TRANSITIVE: with every version, else with the newest only
 */
import { branchFor, sameName, told, widens } from './avro-decode.ts'
import { isNamed, parseAvro, shortName } from './avro-schema.ts'
import type { AvroNode, EnumNode, Field, FixedNode, RecordNode, UnionNode } from './avro-schema.ts'
import type { CompatibilityMode, SchemaText, SchemaVersion } from '../schema-model.ts'

export type CompatibilityRule =
  | 'FIELD_WITHOUT_DEFAULT'
  | 'FIELD_REMOVED_WITHOUT_DEFAULT'
  | 'TYPE_CHANGED'
  | 'NAME_CHANGED'
  | 'FIXED_SIZE_CHANGED'
  | 'ENUM_SYMBOL_MISSING'
  | 'UNION_BRANCH_MISSING'
  | 'SCHEMA_TYPE_CHANGED'
  | 'NOT_COMPARED'

export interface Incompatibility {
  /** `customer.address.zip`, `lines[].price`; empty for the schema as a whole. */
  readonly path: string
  readonly rule: CompatibilityRule
  /** The version that does not go with the new schema. */
  readonly version: number
  /** `backward`: the new schema cannot read what that version wrote; `forward`: that version cannot read what the new one writes. */
  readonly direction: 'backward' | 'forward'
  /** One sentence. */
  readonly reason: string
  /** What would make it pass. */
  readonly fix: string
}

/** Every reason why `next` may not follow `versions` (oldest first); none: it may. Throws SCHEMA_INVALID. */
export function incompatibilities(
  next: SchemaText,
  versions: readonly SchemaVersion[],
  mode: CompatibilityMode,
): Incompatibility[] {
  if (mode === 'NONE') return []
  const asked = mode.endsWith('_TRANSITIVE') ? versions : versions.slice(-1)
  const backward = mode.startsWith('BACKWARD') || mode.startsWith('FULL')
  const forward = mode.startsWith('FORWARD') || mode.startsWith('FULL')
  const node = next.type === 'AVRO' ? parseAvro(next.text, next.references) : undefined
  const found: Incompatibility[] = []
  for (const old of asked) {
    const { version } = old
    if (old.type !== next.type) {
      const reason = `version ${version} is ${old.type}, the new schema ${next.type}`
      found.push({
        path: '',
        rule: 'SCHEMA_TYPE_CHANGED',
        version,
        direction: 'backward',
        reason,
        fix: 'Use another subject',
      })
      continue
    }
    if (node === undefined) {
      if (old.text === next.text) continue
      const reason = `changes of ${next.type} schemas are not compared here`
      found.push({
        path: '',
        rule: 'NOT_COMPARED',
        version,
        direction: 'backward',
        reason,
        fix: 'Let the registry decide',
      })
      continue
    }
    const before = parseAvro(old.text, old.references)
    if (backward) found.push(...new Comparison(version, 'backward').of(node, before))
    if (forward) found.push(...new Comparison(version, 'forward').of(before, node))
  }
  return found
}

class Comparison {
  readonly #version: number
  readonly #direction: 'backward' | 'forward'
  readonly #found: Incompatibility[] = []
  /** Pairs of records that are being compared: recursion ends here. */
  readonly #seen = new Map<RecordNode, Set<RecordNode>>()

  constructor(version: number, direction: 'backward' | 'forward') {
    this.#version = version
    this.#direction = direction
  }

  of(reader: AvroNode, writer: AvroNode): Incompatibility[] {
    this.#compare(reader, writer, '')
    return this.#found
  }

  #compare(reader: AvroNode, writer: AvroNode, path: string): void {
    if (writer.kind === 'union') {
      for (const branch of writer.branches) this.#branch(reader, branch, path)
      return
    }
    if (reader.kind === 'union') {
      this.#branch(reader, writer, path)
      return
    }
    if (reader.kind !== writer.kind) {
      if (!widens(writer.kind, reader.kind)) this.#typeChanged(reader, writer, path)
      return
    }
    if (isNamed(reader) && !sameName(writer, reader)) return this.#nameChanged(reader, writer as RecordNode, path)
    switch (reader.kind) {
      case 'record':
        return this.#record(reader, writer as RecordNode, path)
      case 'enum':
        return this.#enum(reader, writer as EnumNode, path)
      case 'fixed':
        return this.#fixed(reader, writer as FixedNode, path)
      case 'array':
        return this.#compare(reader.items, (writer as typeof reader).items, `${path}[]`)
      case 'map':
        return this.#compare(reader.values, (writer as typeof reader).values, `${path}{}`)
      default:
        return undefined
    }
  }

  /** One branch of the writer's (or its only type) against whatever reads it. */
  #branch(reader: AvroNode, writer: AvroNode, path: string): void {
    if (reader.kind !== 'union') return this.#compare(reader, writer, path)
    const branch = branchFor(writer, reader)
    if (branch !== undefined) return this.#compare(branch, writer, path)
    this.#add(
      path,
      'UNION_BRANCH_MISSING',
      this.#told(
        `${told(writer)} is none of ${branches(reader)}, which is all the new schema takes`,
        `the new schema may write ${told(writer)}, version ${this.#version} takes ${branches(reader)} only`,
      ),
      this.#told(`Keep ${told(writer)} among the types`, `Leave ${told(writer)} out, or widen the readers first`),
    )
  }

  #record(reader: RecordNode, writer: RecordNode, path: string): void {
    const seen = this.#seen.get(reader) ?? new Set()
    this.#seen.set(reader, seen)
    if (seen.has(writer)) return
    seen.add(writer)
    for (const field of reader.fields) {
      const at = path === '' ? field.name : `${path}.${field.name}`
      const written =
        writer.fields.find(({ name }) => name === field.name) ??
        writer.fields.find(({ name }) => field.aliases.includes(name))
      if (written !== undefined) this.#compare(field.type, written.type, at)
      else if (field.default === undefined) this.#fieldMissing(field, writer, reader, at)
    }
  }

  #fieldMissing(field: Field, writer: RecordNode, reader: RecordNode, path: string): void {
    const renamed = writer.fields.find(
      other => other.type.kind === field.type.kind && !reader.fields.some(({ name }) => name === other.name),
    )
    const example = `"default": ${exampleDefault(field.type)}`
    if (this.#direction === 'backward') {
      const alias = renamed === undefined ? '' : `, or if it is ${renamed.name} renamed "aliases": ["${renamed.name}"]`
      this.#add(
        path,
        'FIELD_WITHOUT_DEFAULT',
        `it is new and has no default, so records of version ${this.#version} cannot be read`,
        `Give it a default: ${example}${alias}`,
      )
      return
    }
    this.#add(
      path,
      'FIELD_REMOVED_WITHOUT_DEFAULT',
      `it is gone, and version ${this.#version}, which still reads it, has no default for it`,
      `Keep it, or register a version first that gives it a default: ${example}`,
    )
  }

  #enum(reader: EnumNode, writer: EnumNode, path: string): void {
    if (reader.default !== undefined) return
    const missing = writer.symbols.filter(symbol => !reader.symbols.includes(symbol))
    if (missing.length === 0) return
    const symbols = missing.map(symbol => `"${symbol}"`).join(', ')
    this.#add(
      path,
      'ENUM_SYMBOL_MISSING',
      this.#told(
        `enum ${shortName(reader.name)} lost ${symbols}, which records of version ${this.#version} may hold`,
        `enum ${shortName(reader.name)} has ${symbols} now, which version ${this.#version} does not know`,
      ),
      this.#told(
        `Keep ${symbols}, or give the enum a default: "default": "${reader.symbols[0] ?? ''}"`,
        `Leave ${symbols} out, or register a version first whose enum has a default`,
      ),
    )
  }

  #fixed(reader: FixedNode, writer: FixedNode, path: string): void {
    if (reader.size === writer.size) return
    const [before, now] = this.#direction === 'backward' ? [writer, reader] : [reader, writer]
    this.#add(
      path,
      'FIXED_SIZE_CHANGED',
      `fixed ${shortName(now.name)} has ${now.size} bytes, in version ${this.#version} it has ${before.size}`,
      `Keep ${before.size} bytes, or add a field of another name with a default`,
    )
  }

  #nameChanged(reader: AvroNode, writer: RecordNode, path: string): void {
    const [before, now] =
      this.#direction === 'backward' ? [writer, reader as RecordNode] : [reader as RecordNode, writer]
    this.#add(
      path,
      'NAME_CHANGED',
      `${now.kind} is called ${shortName(now.name)}, in version ${this.#version} ${shortName(before.name)}`,
      this.#told(
        `Keep the name ${shortName(before.name)}, or add "aliases": ["${before.name}"]`,
        `Keep the name ${shortName(before.name)}: readers of version ${this.#version} know no other`,
      ),
    )
  }

  #typeChanged(reader: AvroNode, writer: AvroNode, path: string): void {
    const [before, now] = this.#direction === 'backward' ? [writer, reader] : [reader, writer]
    const widened = this.#direction === 'backward' ? widerThan(before) : undefined
    this.#add(
      path,
      'TYPE_CHANGED',
      `it is ${told(now)}, in version ${this.#version} it is ${told(before)}, and ${told(writer)} cannot be read as ${told(reader)}`,
      `Keep ${told(before)}${widened === undefined ? '' : ` (or widen it to ${widened})`}, or add a field of another name with a default`,
    )
  }

  #told(backward: string, forward: string): string {
    return this.#direction === 'backward' ? backward : forward
  }

  #add(path: string, rule: CompatibilityRule, reason: string, fix: string): void {
    this.#found.push({ path, rule, version: this.#version, direction: this.#direction, reason, fix })
  }
}

function branches(union: UnionNode): string {
  return union.branches.map(told).join(', ')
}

function widerThan(node: AvroNode): string | undefined {
  const wider = {
    int: 'long, float or double',
    long: 'float or double',
    float: 'double',
    string: 'bytes',
    bytes: 'string',
  }
  return (wider as Record<string, string>)[node.kind]
}

function exampleDefault(node: AvroNode): string {
  switch (node.kind) {
    case 'string':
    case 'bytes':
      return '""'
    case 'boolean':
      return 'false'
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return '0'
    case 'array':
      return '[]'
    case 'map':
      return '{}'
    case 'enum':
      return JSON.stringify(node.symbols[0] ?? '')
    case 'union':
      return exampleDefault(node.branches[0]!)
    case 'null':
      return 'null'
    default:
      return '…'
  }
}
