/**
 * The type server: TypeScript's own language server as a child, asked through `LanguageClient`. It checks the cell in hand,
 * completes and explains names. When it dies it is started again; without it cells run unchecked.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Declared } from './declared.ts'
import { LanguageClient } from './lsp.ts'
import { declaredNames, Scope } from './scope.ts'
import type { CellDocument } from './scope.ts'
import { makeWorkspace } from './workspace.ts'

/** A type error; line and columns count from 0 in the source that was checked, in UTF-16 units. */
export interface TypeProblem {
  readonly code: number
  readonly message: string
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly endColumn: number
}

export interface Suggestion {
  readonly text: string
  /** Jupyter's words: function, instance, class, module, keyword, property … */
  readonly kind: string
}

export interface TypeServerOptions {
  /** Folder of the package. */
  readonly root: string
  /** A folder of its own, made here. */
  readonly folder: string
  /** The notebook's folder. */
  readonly cwd: string
}

/**
 * 7016: a package without types is used as `any`, as everywhere in JavaScript. 7017: so is `globalThis.anything`. 2775, 2776: assertion functions need a declared
 * type, which a name from another cell cannot have.
 */
const IGNORED = new Set([7016, 7017, 2775, 2776])
const RESTART_LIMIT = 3
/** Touches what nearly every first cell needs, so that the first check is as fast as the next one. */
const WARM = 'const warm = [1].map((one) => one.toFixed()); console.log(warm, await Promise.resolve(1))'

export class TypeServer {
  readonly #options: TypeServerOptions
  #scope = new Scope({ api: [] })
  #child: ChildProcess | undefined
  #client: LanguageClient | undefined
  #ready: Promise<boolean> | undefined
  #versions = new Map<string, number>()
  #topicsText = ''
  #topicTypes: string | undefined
  #starts = 0
  #stopped = false
  /** Questions about the probe document wait for each other: each replaces its text. */
  #probing: Promise<unknown> = Promise.resolve()

  constructor(options: TypeServerOptions) {
    this.#options = options
  }

  start(): void {
    if (this.#stopped || this.#ready !== undefined || this.#starts >= RESTART_LIMIT) return
    this.#starts += 1
    this.#ready = this.#begin().catch(() => false)
  }

  /** Starts the server if needed; true when it is up. */
  async ready(): Promise<boolean> {
    this.start()
    return (await this.#ready) ?? false
  }

  stop(): void {
    this.#stopped = true
    this.#child?.kill('SIGKILL')
  }

  /** Type errors of the source; undefined when the server is not there or the text does not parse (running it says so). */
  async check(source: string, known: Iterable<string>): Promise<TypeProblem[] | undefined> {
    const declared = declaredNames(source)
    if (declared === undefined || !(await this.ready())) return undefined
    const document = this.#scope.document(source, declared, known, false)
    this.#open('cell.ts', document.text)
    this.#touchLocalModules(source)
    return await this.#problemsOf(this.#uri('cell.ts'), source, document)
  }

  /** Type errors of a text that is being typed: it is not run, and what does not parse yet has none. */
  async problems(source: string, known: Iterable<string>): Promise<TypeProblem[]> {
    const declared = declaredNames(source)
    if (declared === undefined || !(await this.ready())) return []
    const document = this.#scope.document(source, declared, known, false)
    return (await this.#probe(document, uri => this.#problemsOf(uri, source, document))) ?? []
  }

  async #problemsOf(uri: string, source: string, document: CellDocument): Promise<TypeProblem[] | undefined> {
    const report = (await this.#client?.request('textDocument/diagnostic', { textDocument: { uri } })) as
      Report | undefined
    if (report === undefined) return undefined
    const lastLine = source.split('\n').length + document.lineOffset
    return (report.items ?? [])
      .filter(
        one =>
          one.severity === 1 &&
          !IGNORED.has(one.code) &&
          one.range.start.line >= document.lineOffset &&
          one.range.start.line < lastLine,
      )
      .map(({ code, message, range: { start, end } }) => ({
        code,
        message,
        line: start.line - document.lineOffset,
        column: start.character,
        endLine: end.line - document.lineOffset,
        endColumn: end.character,
      }))
  }

  /** The source has run as `module`; later cells see its names. */
  remember(module: string, source: string, known: ReadonlySet<string>): void {
    const declared = declaredNames(source)
    if (declared === undefined || declared.size === 0) return
    this.start()
    const { text } = this.#scope.document(source, declared, known, false)
    try {
      writeFileSync(join(this.#options.folder, module), text)
    } catch {
      return
    }
    this.#scope.remember(module, declared, known)
  }

  /** Row types by the text given to `topic()`. */
  topics(types: ReadonlyMap<string, string>): void {
    if (this.#topicTypes === undefined || types.size === 0) return
    const fields = [...types].map(([name, type]) => `    ${JSON.stringify(name)}: ${type}`)
    const text = `export {}\ndeclare module ${JSON.stringify(this.#topicTypes)} {\n  interface TopicTypes {\n${fields.join('\n')}\n  }\n}\n`
    if (text === this.#topicsText) return
    this.#topicsText = text
    if (this.#client !== undefined) this.#open('topics.d.ts', text)
  }

  forgetAll(): void {
    this.#scope.forgetAll()
  }

  forget(name: string): void {
    this.#scope.forget(name)
  }

  async complete(source: string, offset: number, known: Iterable<string>): Promise<Suggestion[]> {
    return (
      (await this.#probeAt(source, offset, known, async (uri, position) => {
        const result = (await this.#client?.request('textDocument/completion', { textDocument: { uri }, position })) as
          { items?: LspItem[] } | LspItem[] | null
        const items = Array.isArray(result) ? result : (result?.items ?? [])
        return items
          .sort((a, b) => order(a.sortText ?? a.label, b.sortText ?? b.label) || order(a.label, b.label))
          .map(item => ({ text: item.label, kind: KINDS[item.kind ?? 0] ?? 'instance' }))
      })) ?? []
    )
  }

  /** Signature and documentation as Markdown. */
  async hover(source: string, offset: number, known: Iterable<string>): Promise<string | undefined> {
    return await this.#probeAt(source, offset, known, async (uri, position) => {
      const text = await this.#hoverAt(uri, position)
      // A variable of an earlier cell is declared anew around this one: its own words stand where it was declared.
      const name = /^```\w*\nvar ([\p{ID_Start}$_][\p{ID_Continue}$]*):/u.exec(text ?? '')?.[1]
      return (name === undefined ? undefined : await this.#hoverDeclared(name)) ?? text
    })
  }

  async #hoverDeclared(name: string): Promise<string | undefined> {
    const module = this.#scope.moduleOf(name)
    if (module === undefined) return undefined
    const text = readFileSync(join(this.#options.folder, module), 'utf8')
    const at = new RegExp(
      `\\b(?:const|let|var|function\\*?)\\s+${name.replaceAll('$', '\\$')}(?![\\p{ID_Continue}$])`,
      'u',
    ).exec(text)
    // Declared in a pattern: its type is all there is to say.
    if (at === null) return undefined
    const before = text.slice(0, at.index + at[0].length - 1).split('\n')
    if (!this.#versions.has(module)) this.#open(module, text)
    return await this.#hoverAt(this.#uri(module), { line: before.length - 1, character: before.at(-1)?.length ?? 0 })
  }

  async #hoverAt(uri: string, position: Position): Promise<string | undefined> {
    const result = (await this.#client?.request('textDocument/hover', { textDocument: { uri }, position })) as {
      contents?: { value?: string } | string
    } | null
    const contents = result?.contents
    const text = (typeof contents === 'string' ? contents : contents?.value)?.trim()
    // A name nobody declared has the type `any`: that is no answer.
    return text === undefined || text === '' || /^```\w*\nany\n```$/.test(text) ? undefined : text
  }

  async #probeAt<T>(
    source: string,
    offset: number,
    known: Iterable<string>,
    ask: (uri: string, position: Position) => Promise<T>,
  ): Promise<T | undefined> {
    const before = source.slice(0, offset)
    const line = before.split('\n').length - 1
    const character = before.length - (before.lastIndexOf('\n') + 1)
    // The names the server knows are read when it is up.
    if (!(await this.ready())) return undefined
    const document = this.#probeDocument(source, known)
    return await this.#probe(document, uri => ask(uri, { line: line + document.lineOffset, character }))
  }

  async #probe<T>(document: CellDocument, ask: (uri: string) => Promise<T>): Promise<T | undefined> {
    const turn = this.#probing.then(async () => {
      if (!(await this.ready())) return undefined
      this.#open('probe.ts', document.text)
      return await ask(this.#uri('probe.ts'))
    })
    this.#probing = turn.catch(() => undefined)
    return await turn.catch(() => undefined)
  }

  #probeDocument(source: string, known: Iterable<string>): CellDocument {
    // Half a cell seldom parses; then its own declarations are found word by word, or the scope would declare them twice.
    const declared = declaredNames(source) ?? roughlyDeclared(source)
    return this.#scope.document(source, declared, known, true)
  }

  async #begin(): Promise<boolean> {
    const { root, folder, cwd } = this.#options
    const binary = nativeCompiler(root)
    if (binary === undefined) return false
    const { api, topicTypes } = makeWorkspace(folder, root, cwd)
    this.#topicTypes = topicTypes
    if (this.#starts === 1) this.#scope = new Scope({ api })
    // The server itself, not its Node launcher: that saves a process.
    const child = spawn(binary, ['--lsp', '--stdio'], { stdio: ['pipe', 'pipe', 'ignore'], cwd: folder })
    this.#child = child
    const client = new LanguageClient(child.stdout!, child.stdin!)
    child.on('error', () => this.#ended(child, client))
    child.on('exit', () => this.#ended(child, client))
    const uri = pathToFileURL(folder).href
    await client.request('initialize', {
      processId: process.pid,
      rootUri: uri,
      workspaceFolders: [{ uri, name: 'notebook' }],
      capabilities: {
        general: { positionEncodings: ['utf-16'] },
        workspace: { configuration: true },
        textDocument: {
          diagnostic: {},
          completion: { completionItem: {} },
          hover: { contentFormat: ['markdown', 'plaintext'] },
        },
      },
    })
    client.notify('initialized', {})
    this.#client = client
    this.#versions.clear()
    if (this.#topicsText !== '') this.#open('topics.d.ts', this.#topicsText)
    const warm = this.#scope.document(`${WARM}\n${api.includes('topic') ? 'topic' : ''}`, new Map(), [], false)
    this.#open('cell.ts', warm.text)
    await client.request('textDocument/diagnostic', { textDocument: { uri: this.#uri('cell.ts') } })
    return true
  }

  #ended(child: ChildProcess, client: LanguageClient): void {
    client.close()
    if (this.#child !== child) return
    this.#child = undefined
    this.#client = undefined
    this.#ready = undefined
  }

  #open(name: string, text: string): void {
    const version = (this.#versions.get(name) ?? 0) + 1
    this.#versions.set(name, version)
    const uri = this.#uri(name)
    if (version === 1)
      this.#client?.notify('textDocument/didOpen', { textDocument: { uri, languageId: 'typescript', version, text } })
    else this.#client?.notify('textDocument/didChange', { textDocument: { uri, version }, contentChanges: [{ text }] })
  }

  /** An edited neighbour is read again: the server watches no files. */
  #touchLocalModules(source: string): void {
    const names = [
      ...source.matchAll(/from\s*['"](\.{1,2}\/[^'"]+)['"]|import\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g),
    ].map(match => match[1] ?? match[2] ?? '')
    const paths = names
      .flatMap(name => ['', '.ts', '.js', '.json'].map(end => join(this.#options.cwd, name + end)))
      .filter(path => existsSync(path))
    if (paths.length === 0) return
    this.#client?.notify('workspace/didChangeWatchedFiles', {
      changes: paths.map(path => ({ uri: pathToFileURL(path).href, type: 2 })),
    })
  }

  #uri(name: string): string {
    return pathToFileURL(join(this.#options.folder, name)).href
  }
}

interface Position {
  readonly line: number
  readonly character: number
}

interface Report {
  readonly items?: readonly {
    readonly severity: number
    readonly code: number
    readonly message: string
    readonly range: { readonly start: Position; readonly end: Position }
  }[]
}

interface LspItem {
  readonly label: string
  readonly kind?: number
  readonly sortText?: string
}

/** Numbers of the Language Server Protocol in the words JupyterLab draws icons for. */
const KINDS: Readonly<Record<number, string>> = {
  2: 'function', 3: 'function', 4: 'class', 5: 'property', 6: 'instance', 7: 'class', 8: 'interface', 9: 'module', 10: 'property',
  13: 'class', 14: 'keyword', 17: 'path', 20: 'property', 21: 'instance', 22: 'class', 25: 'class',
} // prettier-ignore

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function roughlyDeclared(source: string): ReadonlyMap<string, Declared> {
  const matches = source.matchAll(
    /^(?:export\s+)?(?:async\s+)?(const|let|var|function\*?|class|enum|interface|type)\s+([\p{ID_Start}$_][\p{ID_Continue}$]*)/gmu,
  )
  return new Map(
    [...matches].map(match => [
      match[2] as string,
      { kind: /class|enum|interface|type/.test(match[1] as string) ? 'entity' : 'value', exported: true },
    ]),
  )
}

function nativeCompiler(root: string): string | undefined {
  const name = `@typescript/typescript-${process.platform}-${process.arch}`
  try {
    const require = createRequire(join(root, 'package.json'))
    const compiler = createRequire(require.resolve('typescript/package.json'))
    const path = join(
      compiler.resolve(`${name}/package.json`),
      '../lib',
      process.platform === 'win32' ? 'tsc.exe' : 'tsc',
    )
    return existsSync(path) ? path : undefined
  } catch {
    return undefined
  }
}
