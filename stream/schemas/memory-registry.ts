/** The registry of the built-in topics: the same subjects, ids and rules in this process, forgotten when it ends. */
import { StreamError } from '../errors.ts'
import { parseAvro } from './avro-schema.ts'
import { incompatibilities } from './compatibility.ts'
import { incompatible, noSchema, noSubject, noVersion } from './registry-errors.ts'
import type { CompatibilityMode, SchemaRef, SchemaRegistry, SchemaText, SchemaVersion } from '../schema-model.ts'

export class MemoryRegistry implements SchemaRegistry {
  readonly url = 'embedded'
  /** Index + 1 is the id. */
  readonly #schemas: SchemaText[] = []
  readonly #subjects = new Map<string, SchemaVersion[]>()
  readonly #modes = new Map<string | undefined, CompatibilityMode>([[undefined, 'BACKWARD']])

  async schema(ref: SchemaRef): Promise<SchemaText> {
    const found = typeof ref === 'number' ? this.#schemas[ref - 1] : undefined
    if (found === undefined) throw noSchema(ref, this.url)
    return found
  }

  async subjects(): Promise<string[]> {
    return [...this.#subjects.keys()].sort()
  }

  async versions(subject: string): Promise<number[]> {
    return this.#of(subject).map(({ version }) => version)
  }

  async version(subject: string, version: number | 'latest'): Promise<SchemaVersion> {
    const versions = this.#of(subject)
    const found = version === 'latest' ? versions.at(-1) : versions.find(each => each.version === version)
    if (found === undefined)
      throw noVersion(
        subject,
        version,
        versions.map(each => each.version),
      )
    return found
  }

  async register(subject: string, schema: SchemaText): Promise<SchemaVersion> {
    const text = canonical(schema)
    const versions = this.#subjects.get(subject) ?? []
    const known = versions.find(each => each.type === text.type && each.text === text.text)
    if (known !== undefined) return known
    const reasons = incompatibilities(text, versions, await this.mode(subject))
    if (reasons.length > 0) throw incompatible(subject, await this.mode(subject), reasons)
    const same = this.#schemas.findIndex(each => each.type === text.type && each.text === text.text)
    const id = same < 0 ? this.#schemas.push(text) : same + 1
    const made = { ...text, subject, version: (versions.at(-1)?.version ?? 0) + 1, id }
    this.#subjects.set(subject, [...versions, made])
    return made
  }

  async lookup(subject: string, schema: SchemaText): Promise<SchemaVersion> {
    const text = canonical(schema)
    const found = this.#of(subject).find(each => each.type === text.type && each.text === text.text)
    if (found !== undefined) return found
    throw new StreamError({
      code: 'SCHEMA_UNKNOWN',
      message: `Cannot find schema: subject "${subject}" has no such version`,
      hint: `%schema list ${subject}`,
    })
  }

  async compatible(subject: string, schema: SchemaText, version: number | 'latest'): Promise<boolean> {
    const against = await this.version(subject, version)
    return incompatibilities(canonical(schema), [against], await this.mode(subject)).length === 0
  }

  async mode(subject?: string): Promise<CompatibilityMode> {
    return this.#modes.get(subject) ?? this.#modes.get(undefined)!
  }

  async setMode(mode: CompatibilityMode, subject?: string): Promise<void> {
    this.#modes.set(subject, mode)
  }

  async delete(subject: string): Promise<number[]> {
    const versions = await this.versions(subject)
    this.#subjects.delete(subject)
    this.#modes.delete(subject)
    return versions
  }

  #of(subject: string): readonly SchemaVersion[] {
    const versions = this.#subjects.get(subject)
    if (versions === undefined) throw noSubject(subject, [...this.#subjects.keys()])
    return versions
  }
}

/** Checked, and without the blanks that make no difference. */
function canonical(schema: SchemaText): SchemaText {
  if (schema.type === 'AVRO') parseAvro(schema.text, schema.references)
  try {
    return { ...schema, text: JSON.stringify(JSON.parse(schema.text)) }
  } catch {
    return { ...schema, text: schema.text.trim() }
  }
}
