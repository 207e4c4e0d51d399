/** What an expansion may know of the engine: streams and topics, asked for only when a cell holds a magic. */
import { DefaultNames } from '../../magics/index.ts'
import type { ExpandContext } from '../../magics/index.ts'
import type { NotebookName } from '../cells/protocol.ts'
import type { EngineProcess } from './engine-process.ts'

interface Known {
  readonly streams: ExpandContext['streams']
  readonly topics: ExpandContext['topics']
}

const NOTHING: Known = { streams: new Map(), topics: new Map() }
/** An engine that does not answer (still starting, busy) must not keep a cell or a completion waiting. */
const ANSWER_LIMIT_MS = 2000

export class MagicContext {
  readonly #engine: EngineProcess
  readonly #names: () => readonly NotebookName[]
  readonly #defaultNames = new DefaultNames()
  readonly #told = new Set<string>()
  #known: Known | undefined

  constructor(engine: EngineProcess, names: () => readonly NotebookName[]) {
    this.#engine = engine
    this.#names = names
  }

  /** A cell ran: streams and topics may have changed. */
  stale(): void {
    this.#known = undefined
  }

  async of(cellId: string): Promise<ExpandContext> {
    this.#known ??= await this.#ask()
    return this.#context(cellId, this.#known ?? NOTHING)
  }

  /** What is known without asking. */
  now(cellId: string): ExpandContext {
    return this.#context(cellId, this.#known ?? NOTHING)
  }

  #context(cellId: string, known: Known): ExpandContext {
    const names = new Set(this.#names().map(one => one.name))
    return { cellId, ...known, names, defaultName: this.#defaultNames.forCell(cellId, names), told: this.#told }
  }

  async #ask(): Promise<Known | undefined> {
    const engine = await within(this.#engine.calls(), ANSWER_LIMIT_MS)
    if (engine === undefined) return undefined
    const asked = (async () => {
      const [streams, connections] = await Promise.all([engine.call('list'), engine.call('connections')])
      const topics = await Promise.all(
        connections.map(
          async ({ name }) => [name, await within(engine.call('listTopics', name, {}), ANSWER_LIMIT_MS)] as const,
        ),
      )
      // The stream of a topic that has shown no row yet has the topic's columns. Its outline tells it, not its name: a feed may be called
      // like a topic.
      const columnsOf = new Map(
        topics.flatMap(([connection, list]) =>
          (list ?? []).flatMap(topic =>
            [topic.name, `${connection}:${topic.name}`].map(name => [name, topic.columns ?? []]),
          ),
        ),
      )
      return {
        streams: new Map(
          streams.map(one => {
            const columns = one.columns.length > 0 ? one.columns : (columnsOf.get(one.outline) ?? [])
            return [one.name, { columns: columns.map(column => column.name), cellId: one.cellId }]
          }),
        ),
        topics: new Map(topics.map(([name, list]) => [name, (list ?? []).map(topic => topic.name)])),
      }
    })()
    return await within(asked, ANSWER_LIMIT_MS)
  }
}

/** The value, or undefined when it fails or takes longer. */
export async function within<T>(promise: Promise<T>, limitMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>(resolve => {
    timer = setTimeout(() => resolve(undefined), limitMs)
  })
  try {
    return await Promise.race([promise.catch(() => undefined), late])
  } finally {
    clearTimeout(timer)
  }
}
