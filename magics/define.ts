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
  /** Called once per section, after the header has been parsed and checked against this definition. */
  expand(section: Section, context: ExpandContext): Expansion
}

export interface PositionalDefinition {
  readonly name: string
  readonly summary: string
  readonly type: ValueType
  readonly required: boolean
  readonly repeated?: boolean | undefined
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
  /** Shown in help and completion. */
  readonly example?: string | undefined
}

/** `flag` takes no value. `{expr}` in a header stands for a value of any type but flag and name. */
export type ValueType =
  | 'flag' | 'text' | 'name' | 'stream' | 'topic' | 'field' | 'fields' | 'duration' | 'size' | 'integer' | 'number'
  | 'percent' | 'instant' | 'path' | 'url' | 'choice' | 'magic'

/** A parsed header with positions in the cell's text (UTF-16 offsets). */
export interface Section {
  readonly definition: MagicDefinition
  readonly positionals: readonly HeaderValue[]
  /** By option name; repeated options keep their order. */
  readonly options: ReadonlyMap<string, readonly HeaderValue[]>
  readonly body: Span | undefined
  readonly header: Span
  /** True when a stream-making section stands above, which this one continues when it names no STREAM. */
  readonly continues: string | undefined
  /** Only the last section of a cell shows. */
  readonly last: boolean
}

export interface HeaderValue extends Span {
  /** Value with quotes taken off. */
  readonly value: string
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
  /** Names given without `--as`, by cell: the same cell gets the same name again. */
  defaultName(base: string): string
}

/** TypeScript pieces in order; a verbatim piece is a copy of the typed text, so that type errors and hovers point at it. */
export interface Expansion {
  readonly pieces: readonly Piece[]
  /** Name of the stream this section made. */
  readonly makes?: string | undefined
  /** Told once above the output: "orders.v1 is bound to ordersV1". */
  readonly notices?: readonly string[] | undefined
}

export type Piece =
  | { readonly code: string; readonly from?: Span | undefined }
  | { readonly verbatim: Span }

/** What magics that need the kernel call at run time (global `notebook` inside a cell); `kernel/` implements it. */
export interface NotebookApi {
  /** Sets or reads `%types on|warn|off`. */
  types(mode?: 'on' | 'warn' | 'off'): Promise<string>
  who(): Promise<readonly { name: string; kind: string; preview: string }[]>
  /** Shows help of a magic as Markdown and text. */
  help(magic: string): Promise<void>
  lsmagic(): Promise<void>
  quickref(): Promise<void>
  /** Prints TypeScript instead of running it. */
  desugar(typescript: string): Promise<void>
  streams(options: { graph?: boolean }): Promise<void>
  topics(pattern: string | undefined, options: { connection?: string; internal?: boolean; json?: boolean }): Promise<void>
  control(action: 'stop' | 'pause' | 'resume', names: readonly string[], options: { all: boolean }): Promise<void>
  notice(text: string): Promise<void>
}

export function defineMagic(definition: MagicDefinition): MagicDefinition {
  return definition
}
