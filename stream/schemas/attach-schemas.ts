/**
 * Fetches what the records of a batch refer to and puts it beside them, before the batch goes to the thread that decodes. Decoding
 * is then a function of the batch: no request is made there, and a replay needs no registry.
 */
import { StreamError } from '../errors.ts'
import { frameOf } from './framing.ts'
import type { EnvelopeBatch } from '../model.ts'
import type { AttachedSchema, BatchSchemas, SchemaRef, SchemaRegistry, SchemaVersion } from '../schema-model.ts'
import type { ValueFormat } from './decode.ts'

export class SchemaAttacher {
  readonly #registry: SchemaRegistry
  readonly #topic: string
  readonly #values: boolean
  #readers: Promise<Pick<BatchSchemas, 'valueReader' | 'keyReader'>> | undefined
  readonly #refs = new Map<SchemaRef, AttachedSchema>()
  /** Batches with the same schemas share one object: a decoder finds its functions by it. */
  #shared: BatchSchemas | undefined

  constructor(registry: SchemaRegistry, topic: string, format: ValueFormat = 'auto') {
    this.#registry = registry
    this.#topic = topic
    this.#values = format === 'auto' || format === 'avro'
  }

  /** The same batch when nothing in it names a schema. Throws REGISTRY_UNREACHABLE. */
  async attach(batch: EnvelopeBatch): Promise<EnvelopeBatch> {
    const fresh = new Set<SchemaRef>()
    let framed = false
    const parts = this.#values ? (['value', 'key'] as const) : (['key'] as const)
    let last: SchemaRef | undefined
    for (let i = 0; i < batch.count; i++) {
      for (const part of parts) {
        const ref = frameOf(batch, i, part)?.ref
        if (ref === undefined || ref === last) continue
        framed = true
        last = ref
        const known = this.#refs.get(ref)
        // A schema that was missing may have come since.
        if (known === undefined || 'missing' in known) fresh.add(ref)
      }
    }
    if (!framed) return batch
    const readers = await (this.#readers ??= this.#newest())
    for (const ref of fresh) {
      const found = await this.#fetch(ref)
      const known = this.#refs.get(ref)
      if (known !== undefined && 'missing' in known && 'missing' in found) continue
      this.#refs.set(ref, found)
      this.#shared = undefined
    }
    this.#shared ??= { refs: new Map(this.#refs), ...readers }
    return { ...batch, schemas: this.#shared }
  }

  async #fetch(ref: SchemaRef): Promise<AttachedSchema> {
    try {
      return await this.#registry.schema(ref)
    } catch (error) {
      if (error instanceof StreamError && error.code === 'SCHEMA_UNKNOWN')
        return {
          missing: `schema ${ref} is not in the registry at ${this.#registry.url}: name the one it was written with, %connect … --registry URL, or --format bytes`,
        }
      throw error
    }
  }

  async #newest(): Promise<Pick<BatchSchemas, 'valueReader' | 'keyReader'>> {
    const [valueReader, keyReader] = await Promise.all([
      newestVersion(this.#registry, `${this.#topic}-value`),
      newestVersion(this.#registry, `${this.#topic}-key`),
    ])
    return { valueReader, keyReader }
  }
}

/** Undefined when there is no such subject. */
export async function newestVersion(registry: SchemaRegistry, subject: string): Promise<SchemaVersion | undefined> {
  try {
    return await registry.version(subject, 'latest')
  } catch (error) {
    if (error instanceof StreamError && error.code === 'SCHEMA_UNKNOWN') return undefined
    throw error
  }
}
