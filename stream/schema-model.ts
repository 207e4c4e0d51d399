/**
 * What schemas are to those who move bytes and those who decode them. Connectors carry a registry without knowing what it does;
 * the batch carries the texts of the schemas it needs, so decoding is a function of the batch alone and replays equal the live run.
 */

export type SchemaType = 'AVRO' | 'JSON' | 'PROTOBUF'

export const compatibilityModes = [
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
] as const

export type CompatibilityMode = (typeof compatibilityModes)[number]

/** A schema as written, with those it refers to. */
export interface SchemaText {
  readonly type: SchemaType
  readonly text: string
  /** Texts of referenced schemas, each before those that use it. */
  readonly references?: readonly string[] | undefined
}

/** One version of a subject. */
export interface SchemaVersion extends SchemaText {
  readonly subject: string
  readonly version: number
  readonly id: number
}

/** A number, or the GUID that newer serializers put into a header. */
export type SchemaRef = number | string

/**
 * Schemas by subject and id, in a server or in this process. Every method settles within five seconds; what does not exist is
 * SCHEMA_UNKNOWN, a server that does not answer REGISTRY_UNREACHABLE.
 */
export interface SchemaRegistry {
  /** Without secrets; `embedded` for the one in this process. */
  readonly url: string
  schema(ref: SchemaRef): Promise<SchemaText>
  subjects(): Promise<string[]>
  versions(subject: string): Promise<number[]>
  version(subject: string, version: number | 'latest'): Promise<SchemaVersion>
  /** The same schema under the same subject gives the same version. Throws SCHEMA_INCOMPATIBLE. */
  register(subject: string, schema: SchemaText): Promise<SchemaVersion>
  /** Throws SCHEMA_UNKNOWN when the subject has no such schema. */
  lookup(subject: string, schema: SchemaText): Promise<SchemaVersion>
  /** What the server says; the explanation is made by `stream/schemas/compatibility.ts`. */
  compatible(subject: string, schema: SchemaText, version: number | 'latest'): Promise<boolean>
  /** Of a subject, or the default for all. */
  mode(subject?: string): Promise<CompatibilityMode>
  setMode(mode: CompatibilityMode, subject?: string): Promise<void>
  delete(subject: string): Promise<number[]>
}

/** What a record refers to, or why there is none. */
export type AttachedSchema = SchemaText | { readonly missing: string }

/** The schemas behind the records of one batch. */
export interface BatchSchemas {
  readonly refs: ReadonlyMap<SchemaRef, AttachedSchema>
  /** Values are read as this version: the newest when the read began. */
  readonly valueReader?: SchemaVersion | undefined
  readonly keyReader?: SchemaVersion | undefined
}
