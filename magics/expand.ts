/**
 * A cell with magics becomes TypeScript over the fluent API.
 *
 *   text ─ split ─▶ parts ─ header parser ─▶ sections ─ definition.expand ─▶ pieces ─ SourceWriter ─▶ source + positions
 *
 * Steps that continue each other become one chain; a chain becomes one `const name = …`; the cell's last section is shown.
 */
import { apiCalls, API_NAMES, rewriteCalls } from './api-names.ts'
import type {
  ExpandContext,
  ExpandedCell,
  Expansion,
  KnownColumns,
  MagicDefinition,
  Piece,
  Section,
  SectionContext,
  Span,
} from './define.ts'
import { checkFields } from './fields.ts'
import { nearest, parseHeader, title, usageOf } from './header.ts'
import { MagicTable } from './magic-table.ts'
import { looksUp, variableName } from './names.ts'
import { SourceWriter } from './source-writer.ts'
import { mayHoldMagic, splitCell, type MagicPart, type Part } from './split.ts'
import { declaredNames, parseExpression, parseProperties, parseTypeScript } from './typescript.ts'
import { UsageError } from './usage-error.ts'
import { quote } from './values.ts'

const API: ReadonlySet<string> = new Set(API_NAMES)

export class CellExpander {
  private readonly table: MagicTable

  constructor(magics: readonly MagicDefinition[]) {
    this.table = new MagicTable(magics)
  }

  expand(text: string, context: ExpandContext): ExpandedCell {
    if (!mayHoldMagic(text)) return { source: text, notices: [], makes: [] }
    const parts = splitCell(text, name => this.table.get(name))
    if (parts.every(part => part.kind === 'typescript')) return { source: text, notices: [], makes: [] }
    const first = parts.find(part => part.kind !== 'typescript' || part.span.text.trim() !== '')
    if (first?.kind === 'line' && first.name === 'desugar') return this.desugar(text, first, context)
    return new CellRun(text, context, this.table, false).run(parts)
  }

  /** A cell as part of a program outside a notebook, and the API names it uses. */
  program(text: string, context: ExpandContext): ProgramCell {
    const run = new CellRun(text, context, this.table, true, true)
    const { source } = run.run(splitCell(text, name => this.table.get(name)))
    return { source, used: run.usedNames }
  }

  private desugar(text: string, part: MagicPart, context: ExpandContext): ExpandedCell {
    const definition = this.table.get('desugar') as MagicDefinition
    parseHeader(text, definition, part.rest, part.nameSpan)
    const from = part.header.end
    if (text.slice(from).trim() === '') {
      const usage = usageOf(definition)
      throw new UsageError('%desugar has nothing below it', {
        cell: text,
        ...part.nameSpan,
        hint: '%desugar above a magic cell',
        usage,
      })
    }
    const parts = splitCell(text, name => this.table.get(name), from)
    const run = new CellRun(text, context, this.table, true)
    const expanded = run.run(parts)
    const typescript = [...run.imports(), expanded.source.trim()].join('\n')
    return {
      source: `await notebook.desugar(${quoteLines(typescript)})`,
      spans: [],
      notices: expanded.notices,
      makes: [],
    }
  }
}

export interface ProgramCell {
  readonly source: string
  /** `riffle` stands for the whole library. */
  readonly used: ReadonlySet<string>
}

/** A template would read better, but its text may hold backticks; lines joined read well enough. */
function quoteLines(text: string): string {
  return text.includes('\n')
    ? `[\n${text
        .split('\n')
        .map(line => `  ${quote(line)},`)
        .join('\n')}\n].join('\\n')`
    : quote(text)
}

interface Chain {
  readonly source: readonly Piece[]
  /** Of the stream the chain starts from, for the default name. */
  readonly rootName: string
  readonly steps: Piece[]
  suffix: string
}

interface ParsedPart {
  readonly part: Part
  readonly section: Section | undefined
}

/** One expansion of one cell. */
class CellRun {
  private readonly text: string
  private readonly context: ExpandContext
  private readonly table: MagicTable
  private readonly readable: boolean
  /** Outside a notebook: what asks the notebook becomes a comment. */
  private readonly inProgram: boolean
  private readonly writer: SourceWriter
  private readonly notices: string[] = []
  private readonly makes: string[] = []
  private readonly told = new Set<string>()
  /** Names this cell has declared so far. */
  private readonly declared = new Set<string>()
  /** API names the text uses bare, for the import line of `%desugar`. */
  private readonly used = new Set<string>()
  private above: string | undefined
  private chain: Chain | undefined

  constructor(text: string, context: ExpandContext, table: MagicTable, readable: boolean, inProgram = false) {
    this.text = text
    this.context = context
    this.table = table
    this.readable = readable
    this.inProgram = inProgram
    this.writer = new SourceWriter()
  }

  run(parts: readonly Part[]): ExpandedCell {
    const last = parts.findLastIndex(part => part.kind !== 'typescript' || !blankTypeScript(part.span.text))
    const parsed = parts.map((part, i) => ({ part, section: this.parse(part, i === last) }))
    parsed.forEach((entry, i) => {
      if (entry.part.kind === 'typescript') this.typescript(entry.part.span)
      else if (entry.part.kind === 'help') this.help(entry.part)
      else if (entry.section !== undefined) this.section(entry.section, parsed[i + 1])
    })
    const { source, spans } = this.writer.finish()
    return { source, spans, notices: this.notices, makes: this.makes }
  }

  private parse(part: Part, last: boolean): Section | undefined {
    if (part.kind !== 'line' && part.kind !== 'cell') return undefined
    const definition = this.table.of(part, this.text)
    const header = parseHeader(this.text, definition, part.rest, part.nameSpan)
    if (
      definition.body?.required === true &&
      this.context.lenient !== true &&
      (part.body === undefined || part.body.text.trim() === '')
    ) {
      const example = definition.examples
        .find(candidate => candidate.text.includes('\n'))
        ?.text.split('\n')
        .slice(1)
        .join(' ')
      this.fail(definition, `${title(definition)} has no body: ${definition.body.summary}`, part.header, example)
    }
    if (
      definition.kind === 'cell' &&
      definition.body === undefined &&
      part.body !== undefined &&
      part.body.text.trim() !== ''
    ) {
      this.fail(definition, `${title(definition)} takes no body`, trimmed(part.body))
    }
    const body = part.body === undefined || part.body.text.trim() === '' ? undefined : part.body
    return { definition, ...header, body, header: part.header, last }
  }

  get usedNames(): ReadonlySet<string> {
    return this.used
  }

  /** What a program outside a notebook needs above it; in a cell the same names are global, and the import does no harm. */
  imports(): string[] {
    const bare = [...this.used].filter(name => name !== 'riffle').sort()
    return [
      ...(this.used.has('riffle') ? ["import * as riffle from 'riffle-kernel'"] : []),
      ...(bare.length > 0 ? [`import { ${bare.join(', ')} } from 'riffle-kernel'`] : []),
      ...(this.used.size > 0 ? [''] : []),
    ]
  }

  private typescript(span: Span): void {
    const { statements } = parseTypeScript(span.text)
    for (const name of declaredNames(statements)) this.declared.add(name)
    for (const statement of statements) {
      for (const call of apiCalls(statement, API)) if (!this.shadowed(call.name)) this.used.add(call.name)
    }
    this.writer.typescript(span)
  }

  private help(part: { readonly span: Span; readonly percent: string; readonly name: string }): void {
    const root = part.name.split('.')[0] as string
    const known =
      this.table.get(part.name) !== undefined || (part.percent === '' && (this.bound(root) || API.has(root)))
    if (!known) {
      const names = [...this.table.names, ...(part.percent === '' ? [...this.context.names, ...API_NAMES] : [])]
      const near = nearest(part.name, names)
      const meant = near === undefined ? '' : `, did you mean ${part.percent}${near}?`
      throw new UsageError(`There is no help for ${part.name}${meant}`, {
        cell: this.text,
        ...part.span,
        hint: '%lsmagic',
      })
    }
    if (this.inProgram) return this.writer.statement([{ code: comment(part.span.text) }])
    this.writer.statement([{ code: `await notebook.help(${quote(part.percent + part.name)})`, from: part.span }])
  }

  private section(section: Section, next: ParsedPart | undefined): void {
    const context = this.sectionContext(section)
    if (section.definition.step !== undefined) {
      this.step(section, context, next)
      return
    }
    this.checkFields(section, context)
    const expansion = section.definition.expand(section, context)
    this.take(expansion)
    if (this.inProgram && asksNotebook(expansion.pieces))
      return this.writer.statement([{ code: comment(section.header.text) }])
    if (expansion.pieces.length > 0) this.writer.statement(expansion.pieces)
    if (expansion.makes !== undefined) {
      this.declare(expansion.makes)
      this.show(section, expansion, expansion.makes)
    }
  }

  private step(section: Section, context: SectionContext, next: ParsedPart | undefined): void {
    const suffix = (section.definition.step as { suffix: string }).suffix
    const continues = section.positionals.length === 0
    if (!continues || this.chain === undefined) {
      const source = context.source(section)
      this.chain = { source: source.pieces, rootName: source.name, steps: [], suffix }
    }
    const chain = this.chain
    if (chain.steps.length === 0) this.checkFields(section, context)
    const expansion = section.definition.expand(section, context)
    this.take(expansion)
    chain.steps.push(...expansion.pieces)
    chain.suffix = suffix
    const as = section.options.get('as')?.[0]
    const continued = next?.section?.definition.step !== undefined && next.section.positionals.length === 0
    if (as === undefined && continued) return
    const name = as?.value ?? this.defaultName(variableName(chain.rootName) + suffix)
    if (name === chain.rootName) {
      context.fail(
        `${title(section.definition)} cannot call its result ${name}: it reads the stream of that name`,
        as ?? section.header,
        `--as ${name}2`,
      )
    }
    this.chain = undefined
    this.writer.statement([
      { code: 'const ' },
      { code: name, from: as?.inner ?? section.header },
      { code: ' = ' },
      ...chain.source,
      ...chain.steps,
    ])
    this.declare(name)
    this.show(section, expansion, name)
  }

  /** Columns are known of a stream that runs; one that this cell makes anew may get others. */
  private checkFields(section: Section, context: SectionContext): void {
    const { name, columns } = this.columnsOf(section, 0) ?? {}
    if (name !== undefined && columns !== undefined) checkFields(section, name, columns, context)
  }

  /** Of the stream named at this place of the header; undefined while its rows are not known, or are another cell's by now. */
  private columnsOf(section: Section, index: number): KnownColumns | undefined {
    const typed = section.definition.positionals[index]?.type === 'stream' ? section.positionals[index] : undefined
    if (typed === undefined || typed.expression || this.context.lenient === true) return undefined
    const name = looksUp(typed.value, candidate => this.bound(candidate))
    if (name === undefined || this.declared.has(name)) return undefined
    const columns = this.context.streams.get(name)?.columns ?? []
    return columns.length > 0 ? { name, columns } : undefined
  }

  private show(section: Section, expansion: Expansion, name: string): void {
    if (!section.last || section.quiet || expansion.show === 'none') return
    // Outside a notebook a bare name shows nothing, `.chart()` prints a table at the end.
    const bare: readonly Piece[] = this.readable ? [{ code: '.chart()' }] : []
    this.writer.shown([{ code: name }, ...(expansion.show ?? bare)])
  }

  private declare(name: string): void {
    this.above = name
    this.declared.add(name)
    if (!this.makes.includes(name)) this.makes.push(name)
  }

  private take(expansion: Expansion): void {
    for (const notice of expansion.notices ?? []) this.tell(notice)
  }

  private tell(notice: string): void {
    if (this.told.has(notice) || this.context.told?.has(notice) === true) return
    this.told.add(notice)
    if (this.context.lenient !== true) this.context.told?.add(notice)
    this.notices.push(notice)
  }

  private bound(name: string): boolean {
    return this.declared.has(name) || this.context.names.has(name) || this.context.streams.has(name)
  }

  private sectionContext(section: Section): SectionContext {
    return {
      ...this.context,
      defaultName: base => this.defaultName(base),
      api: name => this.api(name),
      source: (target, index) => this.source(target, index),
      columnsOf: (target, index) => this.columnsOf(target, index),
      verbatim: span => this.verbatim(span),
      fail: (message, at, hint) => this.fail(section.definition, message, at, hint),
    }
  }

  /** A look at a cell that is still being typed takes no name away from the cell that will run. */
  private defaultName(base: string): string {
    return this.context.lenient === true ? base : this.context.defaultName(base)
  }

  private api(name: string): string {
    const bare = this.readable && !this.shadowed(name)
    this.used.add(bare ? name : 'riffle')
    return bare ? name : `riffle.${name}`
  }

  private shadowed(name: string): boolean {
    return this.context.names.has(name) || this.declared.has(name)
  }

  private source(section: Section, index = 0): { pieces: readonly Piece[]; name: string } {
    const typed = section.positionals[index]
    if (typed === undefined) {
      if (this.above === undefined) {
        this.fail(
          section.definition,
          `${title(section.definition)} names no STREAM and no section above makes one`,
          section.header,
          `${title(section.definition)} orders`,
        )
      }
      return { pieces: [{ code: this.above }], name: this.above }
    }
    if (typed.expression) {
      const root = /^\(\s*([A-Za-z_$][\w$]*)/.exec(typed.value)?.[1]
      return { pieces: this.verbatim(typed.inner), name: root !== undefined && this.bound(root) ? root : 'stream' }
    }
    const name = looksUp(typed.value, candidate => this.bound(candidate))
    if (name === undefined) this.unbound(section, typed.value, typed)
    // A stream whose variable is gone (the cells process was replaced) is found by its name.
    if (!this.declared.has(name) && !this.context.names.has(name)) {
      return { pieces: [{ code: `${this.api('stream')}(${quote(name)})`, from: typed.inner }], name }
    }
    return { pieces: [name === typed.inner.text ? { verbatim: typed.inner } : { code: name, from: typed.inner }], name }
  }

  private unbound(section: Section, name: string, at: Span): never {
    const topics = [...this.context.topics].flatMap(([connection, names]) =>
      names.flatMap(topic => [topic, `${connection}:${topic}`]),
    )
    if (topics.includes(name)) {
      this.fail(section.definition, `${name} is a topic, no stream is bound to it yet`, at, `%topic ${name}`)
    }
    const streams = [...this.context.streams.keys(), ...this.declared]
    const near = nearest(name, streams) ?? nearest(name, topics)
    const meant = near === undefined ? '' : `, did you mean ${near}`
    const hint = near === undefined ? `%topic ${name}` : streams.includes(near) ? near : `%topic ${near}`
    this.fail(section.definition, `There is no stream ${name}${meant}`, at, hint)
  }

  private verbatim(span: Span): readonly Piece[] {
    for (const parse of [parseExpression, parseProperties]) {
      const parsed = parse(span.text)
      if (parsed.node === undefined) continue
      const calls = apiCalls(parsed.node, API)
      for (const call of calls) {
        if (!this.context.names.has(call.name) && !this.declared.has(call.name)) continue
        this.tell(
          `${call.name}(…) in a magic is Riffle's own; the variable ${call.name} of this notebook is not touched`,
        )
      }
      return rewriteCalls(span, calls, span.start - parsed.shift, name => this.api(name))
    }
    return [{ verbatim: span }]
  }

  private fail(definition: MagicDefinition, message: string, at: { start: number; end: number }, hint?: string): never {
    throw new UsageError(message, { cell: this.text, start: at.start, end: at.end, hint, usage: usageOf(definition) })
  }
}

function blankTypeScript(text: string): boolean {
  return text.trim() === '' || parseTypeScript(text).statements.length === 0
}

function trimmed(span: Span): Span {
  const start = span.start + (span.text.length - span.text.trimStart().length)
  return { start, end: span.start + span.text.trimEnd().length, text: span.text.trim() }
}

/** `notebook.signal` is no question: a program has a signal too. */
function asksNotebook(pieces: readonly Piece[]): boolean {
  return pieces.some(piece => 'code' in piece && /\bnotebook\.(?!signal\b)/.test(piece.code))
}

function comment(header: string): string {
  return `// ${header.trim()} (only in a notebook)\n`
}
