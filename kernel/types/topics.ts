/**
 * Row types of the topics a cell names, so that `topic('orders')` is typed: asked of the engine once per topic. With a schema file
 * the rows are what the file says, looked at each time: it may have been written a moment ago.
 */
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseAvro } from '../../stream/schemas/avro-schema.ts'
import { avroColumns } from '../../stream/schemas/avro-types.ts'
import { rowType } from '../../stream/schemas/infer.ts'
import type { EngineProcess } from '../supervisor/engine-process.ts'
import { within } from '../supervisor/magic-context.ts'

const CALL = /\btopic\s*\(\s*(['"`])((?:(?!\1)[^\\\n])+)\1/g
const SCHEMA = /\bschema\s*:\s*(['"`])((?:(?!\1)[^\\\n])+)\1/g
const SCHEMA_BYTES = 1 << 20
/** A topic that cannot be read now is untyped, not an obstacle. */
const DESCRIBE_LIMIT_MS = 1500

export class TopicTypes {
  readonly #engine: EngineProcess
  readonly #types = new Map<string, string>()

  readonly #folder: string

  /** Paths are seen from `folder`, that of the notebook. */
  constructor(engine: EngineProcess, folder: string) {
    this.#engine = engine
    this.#folder = folder
  }

  forget(): void {
    this.#types.clear()
  }

  /** All types known after the topics named in `source` have been asked for. */
  async of(source: string): Promise<ReadonlyMap<string, string>> {
    const named = new Set([...source.matchAll(CALL)].map(match => match[2] as string))
    const unknown = [...named].filter(name => !this.#types.has(name))
    await Promise.all(
      unknown.map(async name => {
        const type = await within(this.#describe(name), DESCRIBE_LIMIT_MS)
        if (type !== undefined) this.#types.set(name, type)
      }),
    )
    for (const [, , path] of source.matchAll(SCHEMA)) {
      const type = await schemaType(resolve(this.#folder, path as string))
      if (type === undefined) this.#types.delete(`schema ${path}`)
      else this.#types.set(`schema ${path}`, type)
    }
    return this.#types
  }

  async #describe(name: string): Promise<string | undefined> {
    const engine = await this.#engine.calls()
    if (engine === undefined) return undefined
    const connections = await engine.call('connections')
    const colon = name.indexOf(':')
    const prefix = colon < 0 ? undefined : connections.find(one => one.name === name.slice(0, colon))
    // A name without prefix is on the connection called `embedded`, whatever URL that has been given.
    const [connection, topic] = prefix === undefined ? ['embedded', name] : [prefix.name, name.slice(colon + 1)]
    const { rowType, columns } = await engine.call('describeTopic', connection, topic)
    return columns.length === 0 ? undefined : rowType
  }
}

/** Undefined for what is no Avro schema: running the cell tells. */
async function schemaType(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path)
    if (!found.isFile() || found.size > SCHEMA_BYTES) return undefined
    return rowType(avroColumns(parseAvro(await readFile(path, 'utf8'))))
  } catch {
    return undefined
  }
}
