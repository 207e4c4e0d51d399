/** What the kernel knows about the text of a cell: its magics, its types, what could stand at the cursor. Nothing is evaluated. */
import { dirname, join, resolve } from 'node:path'
import { completeMagic, hasMagic, hoverMagic, isMagicCellComplete } from '../../magics/index.ts'
import type { IncludedText, NotebookName } from '../cells/protocol.ts'
import { TypeServer } from '../types/server.ts'
import type { Suggestion } from '../types/server.ts'
import { TopicTypes } from '../types/topics.ts'
import type { Outcome } from './cells-host.ts'
import type { EngineProcess } from './engine-process.ts'
import type { Cell } from './executions.ts'
import { completenessOf } from './is-complete.ts'
import type { Completeness } from './is-complete.ts'
import { includedTexts } from './included.ts'
import { MagicContext } from './magic-context.ts'
import type { Json } from './message.ts'
import { toCodePoints, toUtf16 } from './offsets.ts'
import { editorProblem } from './editor-problems.ts'
import type { EditorProblem } from './editor-problems.ts'
import { checkTypes, expand } from './prepare.ts'
import type { PreparedCell, TypesMode } from './prepare.ts'
import { readsOwnStream } from './self-reference.ts'
import { toSource } from './spans.ts'

export interface LanguageOptions {
  readonly root: string
  readonly folder: string
  readonly engine: EngineProcess
  names(): readonly NotebookName[]
}

/** Cells whose magics are only completed or explained, never run. */
const PROBE_CELL = 'probe'
/** Later than the first cell of a notebook that is run at once. */
const WARM_AFTER_MS = 400
const WORD_BEFORE = /[\p{ID_Start}$_][\p{ID_Continue}$]*$/u
const WORD_AFTER = /^[\p{ID_Continue}$]*/u

export class Language {
  readonly #names: () => readonly NotebookName[]
  readonly #context: MagicContext
  readonly #types: TypeServer
  readonly #topics: TopicTypes
  /** Texts that a running cell has included, by request. */
  readonly #included = new Map<string, readonly IncludedText[]>()
  #mode: TypesMode = modeOf(process.env['RIFFLE_TYPES'])

  constructor({ root, folder, engine, names }: LanguageOptions) {
    this.#names = names
    this.#context = new MagicContext(engine, names)
    this.#types = new TypeServer({ root, folder: join(folder, 'types'), cwd: notebookFolder() })
    this.#topics = new TopicTypes(engine, notebookFolder())
  }

  get mode(): TypesMode {
    return this.#mode
  }

  set mode(mode: TypesMode) {
    this.#mode = mode
    if (mode !== 'off') this.#types.start()
  }

  start(): void {
    // With types off only completion needs the server, and starts it.
    if (this.#mode !== 'off') this.#types.start()
  }

  stop(): void {
    this.#types.stop()
  }

  /** The first listing makes the engine fill its demo topics, which takes a second: done before somebody waits for it. */
  engineReady(): void {
    setTimeout(() => void this.#context.of(PROBE_CELL).catch(() => undefined), WARM_AFTER_MS).unref()
  }

  engineLost(): void {
    this.#context.stale()
    this.#topics.forget()
  }

  cellsReplaced(): void {
    this.#types.forgetAll()
  }

  /** Variables that the notebook has no longer; none named means all. */
  forget(names: readonly string[]): void {
    if (names.length === 0) this.#types.forgetAll()
    for (const name of names) this.#types.forget(name)
  }

  /** What `%run` runs in the cell of this request. Later cells know the types of what it declares. */
  async textsOf(requestId: string, file: string): Promise<readonly IncludedText[]> {
    const texts = await includedTexts(file, notebookFolder(), cell => expand(cell, this.#context))
    this.#included.set(requestId, texts)
    return texts
  }

  async prepare(cell: Cell, waiting: () => boolean, cancel: AbortSignal): Promise<PreparedCell> {
    const expanded = await expand(cell, this.#context)
    if (expanded.error !== undefined) return expanded
    const check = async () => {
      if (await readsOwnStream(expanded.source, this.#names())) return []
      this.#types.topics(await this.#topics.of(expanded.source))
      return await this.#types.check(expanded.source, this.#known())
    }
    return await checkTypes(cell, expanded, {
      mode: this.#mode,
      ready: () => this.#types.ready(),
      check,
      waiting,
      cancel,
    })
  }

  finished(cell: Cell, prepared: PreparedCell, _outcome: Outcome): void {
    this.#context.stale()
    for (const [at, { source }] of (this.#included.get(cell.requestId) ?? []).entries())
      this.#types.remember(cell.name.replace('.ts', `-run-${at}.ts`), source, new Set(this.#known()))
    this.#included.delete(cell.requestId)
    this.#types.remember(cell.name, prepared.source, new Set(this.#known()))
  }

  isComplete(code: string): Completeness {
    const status = isMagicCellComplete(code)
    if (status === undefined) return completenessOf(code)
    return status === 'incomplete' ? { status, indent: '' } : { status }
  }

  async complete(code: string, cursor: number): Promise<Json> {
    const at = toUtf16(code, cursor)
    const magic = hasMagic(code) ? completeMagic(code, at, await this.#context.of(PROBE_CELL)) : undefined
    if (magic !== undefined) return completionReply(code, magic.matches, magic.start, magic.end)
    const start = at - (WORD_BEFORE.exec(code.slice(0, at))?.[0].length ?? 0)
    const prefix = code.slice(start, at)
    const place = await this.#place(code, at)
    const found = place === undefined ? [] : await this.#types.complete(place.source, place.offset, this.#known())
    return completionReply(code, fittingOf(found, prefix), start, at)
  }

  async inspect(code: string, cursor: number, detail: 0 | 1): Promise<Json> {
    const at = toUtf16(code, cursor)
    const magic = hasMagic(code) ? hoverMagic(code, at) : undefined
    if (magic !== undefined) {
      const data = {
        'text/plain': magic.text,
        ...(magic.markdown === undefined ? {} : { 'text/markdown': magic.markdown }),
      }
      return { found: true, data, metadata: {} }
    }
    // At the end of a word the word is meant, and behind a bracket the call before it.
    const word = code.slice(0, at).replace(/\($/, '')
    const end = word.length + (word.length === at ? (WORD_AFTER.exec(code.slice(at))?.[0].length ?? 0) : 0)
    const inside = WORD_BEFORE.test(code.slice(0, end)) ? end - 1 : at
    const markdown = await this.explain(code, inside)
    if (markdown === undefined) return { found: false, data: {}, metadata: {} }
    const value = detail === 1 ? this.#valueOf(WORD_BEFORE.exec(code.slice(0, end))?.[0]) : undefined
    return { found: true, data: bundleOf(value === undefined ? markdown : `${markdown}\n\n${value}`), metadata: {} }
  }

  /** What a variable of the notebook held after the newest cell; nothing is evaluated. */
  #valueOf(name: string | undefined): string | undefined {
    const found = this.#names().find(one => one.name === name)
    return found === undefined || found.preview === '' ? undefined : `Value: ${found.preview}`
  }

  /** Type and documentation of what stands at a UTF-16 offset, as Markdown. */
  async explain(code: string, at: number): Promise<string | undefined> {
    const place = await this.#place(code, at)
    return place === undefined ? undefined : await this.#types.hover(place.source, place.offset, this.#known())
  }

  /** The place in TypeScript of a place in a cell. */
  async #place(code: string, at: number): Promise<{ source: string; offset: number } | undefined> {
    if (!hasMagic(code)) {
      this.#types.topics(await this.#topics.of(code))
      return { source: code, offset: at }
    }
    const { source, spans, error } = await expand({ typed: code, cellId: PROBE_CELL }, this.#context, { lenient: true })
    const offset = error === undefined ? toSource(spans, at) : undefined
    if (offset === undefined) return undefined
    this.#types.topics(await this.#topics.of(source))
    return { source, offset }
  }

  /** What would keep this text from running, found without running it. UTF-16 offsets. */
  async problems(typed: string, cellId: string): Promise<readonly EditorProblem[]> {
    const { source, spans, error, place } = await expand({ typed, cellId }, this.#context)
    if (error !== undefined)
      return place === undefined ? [] : [{ ...place, message: error.traceback.slice(0, 1).join(), level: 'error' }]
    if (this.#mode === 'off') return []
    this.#types.topics(await this.#topics.of(source))
    const found = await this.#types.problems(source, this.#known())
    return found.map(problem => editorProblem(problem, { typed, source, spans }))
  }

  #known(): string[] {
    return this.#names().map(one => one.name)
  }
}

function completionReply(code: string, found: readonly Suggestion[], start: number, end: number): Json {
  const [cursorStart, cursorEnd] = [toCodePoints(code, start), toCodePoints(code, end)]
  return {
    matches: found.map(one => one.text),
    cursor_start: cursorStart,
    cursor_end: cursorEnd,
    metadata: {
      _jupyter_types_experimental: found.map(one => ({
        text: one.text,
        type: one.kind,
        start: cursorStart,
        end: cursorEnd,
      })),
    },
  }
}

function fittingOf(found: readonly Suggestion[], prefix: string): readonly Suggestion[] {
  const exact = found.filter(one => one.text.startsWith(prefix))
  if (exact.length > 0 || prefix === '') return exact
  const lower = prefix.toLowerCase()
  return found.filter(one => one.text.toLowerCase().startsWith(lower))
}

/** Markdown, and the same without its fences for terminals. */
export function bundleOf(markdown: string): Json {
  return {
    'text/markdown': markdown,
    'text/plain': markdown
      .replace(/^```\w*\n?/gm, '')
      .replace(/\*@(\w+)\*/g, '@$1')
      .trim(),
  }
}

/** Jupyter Server names the notebook; elsewhere imports start from the working folder. */
function notebookFolder(): string {
  const notebook = process.env['JPY_SESSION_NAME']
  return notebook === undefined || notebook === '' ? process.cwd() : dirname(resolve(notebook))
}

function modeOf(text: string | undefined): TypesMode {
  return text === 'off' || text === 'warn' ? text : 'on'
}
