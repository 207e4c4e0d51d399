/** Answers what a cell asks of the kernel at run time: the global `notebook` (NotebookApi in magics/define.ts). */
import * as magics from '../../magics/index.ts'
import { StreamError } from '../../stream/errors.ts'
import type { StreamErrorParts } from '../../stream/errors.ts'
import type { CellsCall, CellsHost } from './cells-host.ts'
import type { EngineProcess } from './engine-process.ts'
import { exportedProgram } from './exported-program.ts'
import type { History } from './history.ts'
import type { Iopub } from './iopub.ts'
import { bundleOf } from './language.ts'
import type { Language } from './language.ts'
import { graphText, streamsBundle, topicBundle, topicJson, topicsBundle } from './listings.ts'
import type { Header, Json } from './message.ts'
import { isObject } from './message.ts'

export interface NotebookCallsOptions {
  readonly cells: CellsHost
  readonly engine: EngineProcess
  readonly iopub: Iopub
  readonly history: History
  readonly language: Language
  headerOf(id: string): Header | undefined
  addPayload(requestId: string, payload: Json): void
}

export class NotebookCalls {
  readonly #options: NotebookCallsOptions

  constructor(options: NotebookCallsOptions) {
    this.#options = options
  }

  async answer(call: CellsCall): Promise<void> {
    try {
      this.#options.cells.send({ type: 'answer', id: call.id, value: await this.#call(call) })
    } catch (error) {
      this.#options.cells.send({ type: 'answer', id: call.id, error: partsOf(error) })
    }
  }

  async #call({ method, args, requestId }: CellsCall): Promise<unknown> {
    const { cells, history, iopub } = this.#options
    switch (method) {
      case 'types':
        return this.#types(args[0])
      case 'who':
        return cells.names.map(({ name, kind, preview }) => ({ name, kind, preview }))
      case 'help':
        return await this.#help(requestId, textOf(args[0]))
      case 'lsmagic':
        return this.#show(requestId, pageBundle(magics.lsmagic()))
      case 'quickref':
        return this.#show(requestId, pageBundle(magics.quickref()))
      case 'desugar':
        return this.#show(requestId, codeBundle(textOf(args[0])))
      case 'notice':
        return iopub.stream(this.#options.headerOf(requestId), 'stdout', `${textOf(args[0])}\n`)
      case 'history':
        return history.inputs()
      case 'export':
        return this.#show(requestId, codeBundle(exportedProgram(history.cells(), 'the cells of this session')))
      case 'reset':
        return this.#options.language.forget(Array.isArray(args[0]) ? args[0].map(String) : [])
      case 'run':
        return await this.#options.language.textsOf(requestId, textOf(args[0]))
      case 'streams':
        return await this.#streams(requestId, option(args[0], 'graph') === true, args[1])
      case 'describeTopic':
        return await this.#describeTopic(requestId, textOf(args[0]))
      case 'topics':
        return await this.#topics(requestId, args[0], args[1])
      case 'control':
        return await this.#control(textOf(args[0]), args[1], option(args[2], 'all') === true)
      default:
        throw new StreamError({
          code: 'INTERNAL',
          message: `Cannot answer "notebook.${method}": there is no such request`,
        })
    }
  }

  #types(mode: unknown): string {
    const { language } = this.#options
    if (mode === 'on' || mode === 'warn' || mode === 'off') language.mode = mode
    else if (mode !== undefined) {
      throw new StreamError({
        code: 'OPTION_INVALID',
        message: `Cannot set types to "${String(mode)}": allowed are on, warn, off`,
        hint: '%types on',
      })
    }
    return language.mode
  }

  /** A page of help: JupyterLab shows payloads of kind `page` in the pager, and so does the terminal. */
  async #help(requestId: string, name: string): Promise<void> {
    const page = magics.helpFor(name)
    const markdown = page === undefined ? await this.#options.language.explain(name, name.length - 1) : undefined
    const bundle = page !== undefined ? pageBundle(page) : markdown !== undefined ? bundleOf(markdown) : undefined
    if (bundle === undefined)
      throw new StreamError({
        code: 'OPTION_INVALID',
        message: `Cannot show help on "${name}": nothing of that name is known`,
        hint: '%lsmagic',
      })
    this.#options.addPayload(requestId, { source: 'page', data: bundle, start: 0 })
  }

  async #streams(requestId: string, graph: boolean, now: unknown): Promise<void> {
    const streams = await (await this.#engine()).call('list')
    this.#show(
      requestId,
      graph ? { 'text/plain': graphText(streams) } : streamsBundle(streams, isObject(now) ? now : {}),
    )
  }

  async #topics(requestId: string, pattern: unknown, options: unknown): Promise<void> {
    const engine = await this.#engine()
    const wanted = option(options, 'connection')
    const connections = (await engine.call('connections')).filter(one => wanted === undefined || one.name === wanted)
    const matches = typeof pattern === 'string' ? globOf(pattern) : () => true
    const lists = await Promise.all(
      connections.map(async ({ name }) => ({
        connection: name,
        topics: (
          await engine.call('listTopics', name, { internal: option(options, 'internal') === true, facts: true })
        ).filter(topic => matches(topic.name)),
      })),
    )
    if (option(options, 'json') === true)
      this.#show(requestId, {
        'text/plain': JSON.stringify(topicJson(lists), null, 2),
        'application/json': { topics: topicJson(lists) },
      })
    else this.#show(requestId, topicsBundle(lists))
  }

  async #describeTopic(requestId: string, name: string): Promise<void> {
    const engine = await this.#engine()
    const connections = await engine.call('connections')
    const colon = name.indexOf(':')
    const prefix = connections.find(one => colon > 0 && one.name === name.slice(0, colon))
    const connection = prefix?.name ?? 'embedded'
    this.#show(
      requestId,
      topicBundle(await engine.call('describeTopic', connection, prefix === undefined ? name : name.slice(colon + 1))),
    )
  }

  async #control(action: string, names: unknown, all: boolean): Promise<void> {
    const engine = await this.#engine()
    if (action !== 'stop' && action !== 'drain' && action !== 'pause' && action !== 'resume')
      throw new StreamError({ code: 'INTERNAL', message: `Cannot ${action} a stream: no such action` })
    const chosen = all
      ? (await engine.call('list')).filter(one => applies(action, one.stats.state)).map(one => one.name)
      : (names as readonly string[])
    for (const name of chosen) await engine.call(action, name)
  }

  async #engine() {
    const engine = await this.#options.engine.calls()
    if (engine === undefined)
      throw new StreamError({
        code: 'ENGINE_GONE',
        message: 'Cannot reach the engine: it does not start',
        hint: 'Restart the kernel, then riffle doctor',
        retriable: true,
      })
    return engine
  }

  #show(requestId: string, data: Json): void {
    const content = { data, metadata: {}, transient: {} }
    this.#options.iopub.message({ type: 'display_data', parent: this.#options.headerOf(requestId), content })
  }
}

function applies(action: 'stop' | 'drain' | 'pause' | 'resume', state: string): boolean {
  if (action === 'pause') return state === 'running'
  if (action === 'resume') return state === 'paused'
  return state !== 'stopped' && state !== 'failed' && state !== 'ended'
}

function pageBundle(page: {
  readonly text: string
  readonly markdown?: string | undefined
  readonly html?: string | undefined
}): Json {
  return {
    'text/plain': page.text,
    ...(page.markdown === undefined ? {} : { 'text/markdown': page.markdown }),
    ...(page.html === undefined ? {} : { 'text/html': page.html }),
  }
}

/** TypeScript as text, and in colours; its own backticks must not end it. */
function codeBundle(typescript: string): Json {
  const longest = Math.max(2, ...(typescript.match(/`{3,}/g) ?? []).map(run => run.length))
  const fence = '`'.repeat(longest + 1)
  return { 'text/plain': typescript, 'text/markdown': `${fence}typescript\n${typescript.trimEnd()}\n${fence}` }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : String(value ?? '')
}

function option(options: unknown, name: string): unknown {
  return isObject(options) ? options[name] : undefined
}

/** `ord*`; a plain word matches as a part. */
function globOf(pattern: string): (name: string) => boolean {
  if (!/[*?]/.test(pattern)) return name => name.includes(pattern)
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  const regex = new RegExp(`^${source}$`)
  return name => regex.test(name)
}

function partsOf(error: unknown): StreamErrorParts {
  if (error instanceof StreamError) return error.toJSON()
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) }
}
