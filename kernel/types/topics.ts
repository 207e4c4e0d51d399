/** Row types of the topics a cell names, so that `topic('orders')` is typed: asked of the engine once per topic. */
import type { EngineProcess } from '../supervisor/engine-process.ts'
import { within } from '../supervisor/magic-context.ts'

const CALL = /\btopic\s*\(\s*(['"`])((?:(?!\1)[^\\\n])+)\1/g
/** A topic that cannot be read now is untyped, not an obstacle. */
const DESCRIBE_LIMIT_MS = 1500

export class TopicTypes {
  readonly #engine: EngineProcess
  readonly #types = new Map<string, string>()

  constructor(engine: EngineProcess) {
    this.#engine = engine
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
