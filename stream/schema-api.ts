/** Schemas from a notebook: what `%schema` stands for. A subject is `orders-value`, or `prod:orders-value` of another connection. */
import { StreamError } from './errors.ts'
import { compatibilityModes } from './schema-model.ts'
import { readSchemaFile } from './schemas/schema-file.ts'
import { schemaChanges } from './schemas/schema-changes.ts'
import { incompatibilities } from './schemas/compatibility.ts'
import { parseAvro } from './schemas/avro-schema.ts'
import { avroColumns } from './schemas/avro-types.ts'
import { rowType } from './schemas/infer.ts'
import { splitTopicName } from './topic-name.ts'
import { runtime } from './targets/runtime-registry.ts'
import type { CompatibilityMode, SchemaRegistry, SchemaText, SchemaVersion } from './schema-model.ts'
import type { Incompatibility } from './schemas/compatibility.ts'
import type { SchemaChange } from './schemas/schema-changes.ts'
import { DISPLAY } from './told.ts'

export interface SchemaSource {
  /** Path of a file with the schema. */
  readonly file: string
}

/** An Avro schema as an object or as text, or the file that holds it. */
export type SchemaGiven = string | Readonly<Record<string, unknown>> | readonly unknown[] | SchemaSource

export interface SubjectRow {
  readonly subject: string
  readonly versions: string
  readonly id: number
  readonly type: string
  readonly compatibility: CompatibilityMode
}

export interface CheckRow {
  readonly field: string
  readonly rule: Incompatibility['rule']
  readonly version: number
  readonly reason: string
  readonly fix: string
}

/** Subjects whose name holds `pattern`, with their versions. Throws OPTION_INVALID when the connection has no registry. */
async function list(pattern = ''): Promise<SubjectRow[]> {
  const { registry, subject: part } = registryFor(pattern)
  const rows: SubjectRow[] = []
  for (const subject of await registry.subjects()) {
    if (!subject.includes(part)) continue
    const [versions, newest, compatibility] = await Promise.all([
      registry.versions(subject),
      registry.version(subject, 'latest'),
      registry.mode(subject),
    ])
    rows.push({ subject, versions: versions.join(', '), id: newest.id, type: newest.type, compatibility })
  }
  return rows
}

/** One version, default the newest. */
async function show(name: string, options: { readonly version?: number | undefined } = {}): Promise<ShownSchema> {
  const { registry, subject } = registryFor(name)
  return new ShownSchema(await registry.version(subject, options.version ?? 'latest'))
}

/** What changed between a version (default: the one before) and the newest, or the schema given. */
async function diff(
  name: string,
  options: { readonly version?: number | undefined; readonly schema?: SchemaGiven | undefined } = {},
): Promise<SchemaChange[]> {
  const { registry, subject } = registryFor(name)
  const versions = await registry.versions(subject)
  const given = options.schema === undefined ? undefined : await schemaText(options.schema)
  const before = options.version ?? (given === undefined ? (versions.at(-2) ?? versions.at(-1)!) : versions.at(-1)!)
  const [old, next] = await Promise.all([
    registry.version(subject, before),
    given ?? registry.version(subject, 'latest'),
  ])
  return schemaChanges(old, next)
}

/** Why `schema` may not follow the versions there are; empty when it may. `compatibility` asks by another mode than the subject's. */
async function check(
  name: string,
  schema: SchemaGiven,
  options: { readonly compatibility?: CompatibilityMode | undefined } = {},
): Promise<CheckRow[]> {
  const { registry, subject } = registryFor(name)
  const next = await schemaText(schema)
  const mode = checkedMode(options.compatibility) ?? (await registry.mode(subject))
  const numbers = await registry.versions(subject)
  const versions = await Promise.all(numbers.map(number => registry.version(subject, number)))
  return incompatibilities(next, versions, mode).map(({ path, rule, version, reason, fix }) => ({
    field: path,
    rule,
    version,
    reason,
    fix,
  }))
}

/** Registers a version; `compatibility` becomes the subject's mode first. Throws SCHEMA_INCOMPATIBLE with the reasons. */
async function register(
  name: string,
  schema: SchemaGiven,
  options: { readonly compatibility?: CompatibilityMode | undefined } = {},
): Promise<ShownSchema> {
  const { registry, subject } = registryFor(name)
  const text = await schemaText(schema)
  const mode = checkedMode(options.compatibility)
  if (mode !== undefined) await registry.setMode(mode, subject)
  return new ShownSchema(await registry.register(subject, text))
}

/** Takes a subject away; its ids stay readable. Gives the versions it had. */
async function remove(name: string): Promise<number[]> {
  const { registry, subject } = registryFor(name)
  return registry.delete(subject)
}

/**
 * Schemas of a registry, or of the one that the built-in topics have.
 *
 * @example
 * ```ts
 * const order = { type: 'record', name: 'Order', fields: [{ name: 'id', type: 'string' }] }
 * await schemas.register('orders-value', order)
 * await schemas.check('orders-value', { ...order, fields: [] }) // [] : a reader may ignore a field
 * ```
 */
export const schemas = { list, show, diff, check, register, delete: remove }

/** A version, shown as JSON and as the TypeScript type of its rows. */
export class ShownSchema {
  readonly subject: string
  readonly version: number
  readonly id: number
  readonly type: string
  readonly text: string
  readonly #rows: string | undefined

  constructor(version: SchemaVersion) {
    this.subject = version.subject
    this.version = version.version
    this.id = version.id
    this.type = version.type
    this.text = pretty(version.text)
    this.#rows = version.type === 'AVRO' ? rowType(avroColumns(parseAvro(version.text, version.references))) : undefined
  }

  [DISPLAY](): Record<string, string> {
    const head = `${this.subject}, version ${this.version}, id ${this.id}, ${this.type}`
    const rows = this.#rows === undefined ? '' : `\n\nRows are\n\`\`\`typescript\n${this.#rows}\n\`\`\``
    const fence = this.type === 'PROTOBUF' ? 'protobuf' : 'json'
    return {
      'text/plain': `${head}\n${this.text}${this.#rows === undefined ? '' : `\nRows are ${this.#rows}`}`,
      'text/markdown': `**${head}**\n\`\`\`${fence}\n${this.text}\n\`\`\`${rows}`,
    }
  }
}

function registryFor(name: string): { registry: SchemaRegistry; subject: string } {
  const { connection, topic: subject } = splitTopicName(name)
  return { registry: runtime().registry(connection), subject }
}

async function schemaText(given: SchemaGiven): Promise<SchemaText> {
  if (typeof given === 'string') return { type: 'AVRO', text: given }
  if (!('file' in given) || typeof given.file !== 'string') return { type: 'AVRO', text: JSON.stringify(given) }
  return { type: 'AVRO', text: await readSchemaFile(given.file) }
}

function checkedMode(mode: CompatibilityMode | undefined): CompatibilityMode | undefined {
  if (mode === undefined || compatibilityModes.includes(mode)) return mode
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot use compatibility "${String(mode)}": allowed are ${compatibilityModes.join(', ')}`,
    hint: '--compatibility BACKWARD',
  })
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
