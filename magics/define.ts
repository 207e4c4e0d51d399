/**
 * What a magic is: a readable header over typed TypeScript. One definition object feeds the header parser, help, completion,
 * hover, `%lsmagic` and the generated docs page; `expand` turns header and body into TypeScript over the fluent API.
 */
export interface MagicDefinition {
  /** Without percent signs: `window`. */
  readonly name: string
  readonly kind: 'line' | 'cell'
  /** One sentence, what comes out. */
  readonly summary: string
  /** Positional words of the header. */
  readonly positionals: readonly PositionalDefinition[]
  readonly options: readonly OptionDefinition[]
  /** What the lines below a cell magic are; undefined for line magics. */
  readonly body?: { readonly summary: string; readonly required: boolean } | undefined
  readonly examples: readonly { readonly text: string; readonly says: string }[]
  /** One line in the words of Flink, Kafka Streams and Beam. */
  readonly glossary: string
  /**
   * The section is a step of a chain of streams (`filter`): positional STREAM and `--as` are handled by `expandCell`, `expand`
   * gives the steps only (`.filter(…)`). The suffix makes the default name: `ordersFilter`.
   */
  readonly step?: { readonly suffix: string } | undefined
  /** The rest of the header line is one positional, taken as it stands (`%time EXPRESSION`). */
  readonly raw?: boolean | undefined
  /** The body is not TypeScript: it goes to the end of the cell, whatever its lines look like. */
  readonly plainBody?: boolean | undefined
  /** Called once per section, after the header has been parsed and checked against this definition. */
  expand(section: Section, context: SectionContext): Expansion
}

export interface PositionalDefinition {
  readonly name: string
  readonly summary: string
  readonly type: ValueType
  readonly required: boolean
  readonly repeated?: boolean | undefined
  /** Offered by completion beside what the type gives. */
  readonly suggestions?: readonly string[] | undefined
}

export interface OptionDefinition {
  /** Without dashes: `out-of-order`. */
  readonly name: string
  readonly summary: string
  readonly type: ValueType
  /** Text shown as default in help. */
  readonly default?: string | undefined
  readonly choices?: readonly string[] | undefined
  readonly repeated?: boolean | undefined
  /** Fields that are columns of the stream the section reads: checked when they are known. */
  readonly ofInput?: boolean | undefined
  /** A rule beyond the type: what a value should be, when this one is wrong. */
  readonly check?: ((value: string) => string | undefined) | undefined
  /** Shown in help and completion. */
  readonly example?: string | undefined
}

/** `flag` takes no value. `{expr}` in a header stands for a value of any type but flag and name. */
export type ValueType =
  | 'flag'
  | 'text'
  | 'name'
  | 'stream'
  | 'topic'
  | 'field'
  | 'fields'
  | 'duration'
  | 'size'
  | 'integer'
  | 'number'
  | 'percent'
  | 'instant'
  | 'path'
  | 'url'
  | 'choice'
  | 'magic'

/** A parsed header with positions in the cell's text (UTF-16 offsets). */
export interface Section {
  readonly definition: MagicDefinition
  readonly positionals: readonly HeaderValue[]
  /** By option name; repeated options keep their order. */
  readonly options: ReadonlyMap<string, readonly HeaderValue[]>
  readonly body: Span | undefined
  readonly header: Span
  /** Only the last section of a cell shows. */
  readonly last: boolean
  /** A `;` stands at the end: nothing is shown. */
  readonly quiet: boolean
}

export interface HeaderValue extends Span {
  /** Value with quotes taken off; the text of the expression when `expression`. */
  readonly value: string
  /** What stands between the quotes or braces; equal to the span itself for a bare word. */
  readonly inner: Span
  /** Stood after `--`. */
  readonly literal: boolean
  /** `{expr}`: a TypeScript expression instead of a value. */
  readonly expression: boolean
}

export interface Span {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** What an expansion may know. Everything is synchronous and taken before the expansion starts. */
export interface ExpandContext {
  readonly cellId: string
  /** Streams running now, name -> columns. */
  readonly streams: ReadonlyMap<string, { readonly columns: readonly string[]; readonly cellId: string | undefined }>
  /** Topics per connection, for nearest names and variable names. */
  readonly topics: ReadonlyMap<string, readonly string[]>
  /** Variables of the notebook (any kind). */
  readonly names: ReadonlySet<string>
  /** Names given without `--as`, by cell: the same cell gets the same name again (`DefaultNames`). */
  defaultName(base: string): string
  /** For completion and hover: a body that does not parse yet stays as it was typed instead of being refused. */
  readonly lenient?: boolean | undefined
  /** What has been told already and is not told again; the caller keeps it as long as the kernel lives. */
  readonly told?: Set<string> | undefined
}

/** A stream and the columns its rows have had so far. */
export interface KnownColumns {
  readonly name: string
  readonly columns: readonly string[]
}

/** What `expandCell` adds for `expand`. */
export interface SectionContext extends ExpandContext {
  /** `riffle.sum`, or `sum` where the text is meant to be read (`%desugar`). */
  api(name: string): string
  /** The stream of STREAM (`index` 1: of the second one), or of the section above; throws when there is none or it is not bound. */
  source(section: Section, index?: number): { readonly pieces: readonly Piece[]; readonly name: string }
  /** Columns of the stream at this place of the header, when they are known. */
  columnsOf(section: Section, index: number): KnownColumns | undefined
  /** A verbatim copy in which free API names are Riffle's own (rules.md 22). */
  verbatim(span: Span): readonly Piece[]
  /** Throws a `UsageError` that points at `at`. */
  fail(message: string, at: Span, hint?: string): never
}

/** TypeScript pieces in order; a verbatim piece is a copy of the typed text, so that type errors and hovers point at it. */
export interface Expansion {
  readonly pieces: readonly Piece[]
  /** How the stream is shown when the section is the cell's last: a suffix like `.chart({…})`; absent: the bare name. */
  readonly show?: readonly Piece[] | 'none' | undefined
  /** Name of the stream this section made. */
  readonly makes?: string | undefined
  /** Told once above the output: "orders.v1 is bound to ordersV1". */
  readonly notices?: readonly string[] | undefined
}

/** Positions of the expanded source in the typed one; equal in shape to the type of that name in kernel/cells/protocol.ts. */
export interface SpanMapping {
  readonly at: number
  readonly length: number
  readonly typedAt: number
  readonly typedLength: number
  readonly verbatim: boolean
}

/** A cell as TypeScript. */
export interface ExpandedCell {
  readonly source: string
  /** Absent when the cell holds no magic: source and typed text are equal. */
  readonly spans?: readonly SpanMapping[] | undefined
  /** Told above the output. */
  readonly notices: readonly string[]
  /** Names of the streams the magics of this cell make. */
  readonly makes: readonly string[]
}

export type Piece = { readonly code: string; readonly from?: Span | undefined } | { readonly verbatim: Span }

/** What magics that need the kernel call at run time (global `notebook` inside a cell); `kernel/` implements it. */
export interface NotebookApi {
  /** Sets or reads `%types on|warn|off`; resolves with the mode now in force. */
  types(mode?: 'on' | 'warn' | 'off'): Promise<string>
  who(): Promise<readonly { name: string; kind: string; preview: string }[]>
  /** Shows help of a magic (`%%window`, `window`) or what is known of a variable, as Markdown and text. */
  help(name: string): Promise<void>
  lsmagic(): Promise<void>
  quickref(): Promise<void>
  /** Prints TypeScript instead of running it. */
  desugar(typescript: string): Promise<void>
  streams(options: { graph?: boolean }): Promise<void>
  /** Partitions, columns and newest records of one topic. */
  describeTopic(name: string): Promise<void>
  topics(
    pattern: string | undefined,
    options: { connection?: string; internal?: boolean; json?: boolean },
  ): Promise<void>
  control(
    action: 'stop' | 'drain' | 'pause' | 'resume',
    names: readonly string[],
    options: { all: boolean },
  ): Promise<void>
  notice(text: string): Promise<void>
  /** Forgets variables; none named means all. Streams go on. */
  reset(names: readonly string[]): Promise<void>
  /** Runs a TypeScript file or a notebook in the notebook's own scope; later cells see what it declares. */
  run(file: string): Promise<void>
  /** Inputs of this session, oldest first. */
  history(): Promise<readonly { readonly line: number; readonly input: string }[]>
  /** Shows the cells of this session as one TypeScript program. */
  export(): Promise<void>
  /** Aborted when the running cell is stopped. */
  readonly signal: AbortSignal
}

export function defineMagic(definition: MagicDefinition): MagicDefinition {
  return definition
}
