/**
 * A logical plan: what a stream computes, as plain data. The fluent API builds it, `pipeline.ts` runs it, the same plan
 * can be shipped to another thread or process, or (later) compiled to Flink SQL. Inputs are nested, the root is the result.
 */

/** A lambda in a plan: a plain closure when run inline, text and captures when shipped (stream/lambdas). */
export type LambdaSlot = ((...args: never[]) => unknown) | ShippedLambda

/** A function as a value: its text and what it captures, with the place it was typed for error texts. */
export interface ShippedLambda {
  readonly kind: 'lambda'
  /** Source text of the function expression, erased to JavaScript. */
  readonly text: string
  /** Name -> captured value. */
  readonly captures: Readonly<Record<string, Captured>>
  /** Captured names that are no variables of the notebook. */
  readonly locals?: readonly string[] | undefined
  readonly site: LambdaSite
}

export interface LambdaSite {
  /** Name of the cell's module as shown in stack traces, e.g. `cell-5.ts`. */
  readonly cell: string
  /** 1-based, in the text the user typed. */
  readonly line: number
  readonly column: number
  /** First line of the lambda as typed, for `%streams` and errors. */
  readonly excerpt: string
}

export type Captured =
  /** Structured-cloneable plain data: numbers, text, bigint, arrays, plain objects, Map, Set, Date, typed arrays. */
  | { readonly kind: 'value'; readonly value: unknown }
  | ShippedLambda
  | {
      readonly kind: 'class'
      readonly text: string
      readonly captures: Readonly<Record<string, Captured>>
      readonly site?: LambdaSite | undefined
    }
  /** Containers that hold functions, classes, params or instances; plain ones are one `value`. May be cyclic. */
  | { readonly kind: 'array'; readonly items: readonly Captured[] }
  | { readonly kind: 'set'; readonly items: readonly Captured[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [Captured, Captured])[] }
  /** `of`: the class of the notebook it is an instance of; `bare`: without a prototype. */
  | {
      readonly kind: 'object'
      readonly fields: Readonly<Record<string, Captured>>
      readonly bare: boolean
      readonly of?: Captured | undefined
    }
  /** A function of the language itself under a name of the notebook: `Math.abs`. */
  | { readonly kind: 'native'; readonly name: string }
  /** Re-imported by name on the other side, resolved from `from` (the notebook's folder). */
  | {
      readonly kind: 'import'
      readonly specifier: string
      readonly name: string | '*' | 'default'
      readonly from: string
    }
  /** `param(...)`: read live, each change takes effect at a record boundary. */
  | { readonly kind: 'param'; readonly name: string }
  /** A name of Riffle's own API (`mean`, `count` …), bound to the same function on the other side. */
  | { readonly kind: 'api'; readonly name: string }

export type PlanNode =
  | TopicNode
  | FeedNode
  | NamedNode
  | { readonly op: 'filter'; readonly input: PlanNode; readonly f: LambdaSlot }
  | { readonly op: 'map'; readonly input: PlanNode; readonly f: LambdaSlot }
  | { readonly op: 'flatMap'; readonly input: PlanNode; readonly f: LambdaSlot }
  /** One row for each value of these fields, of the whole row when there are none. */
  | { readonly op: 'distinct'; readonly input: PlanNode; readonly by: readonly string[] }
  | { readonly op: 'window'; readonly input: PlanNode; readonly options: WindowOptions }
  | JoinNode
  /** All rows of both, in the order they are handled. */
  | { readonly op: 'union'; readonly left: PlanNode; readonly right: PlanNode }
  /** Event patterns per key; one of its three outputs. */
  | { readonly op: 'match'; readonly input: PlanNode; readonly options: MatchOptions }
  /** Each row with its score by a detector. */
  | { readonly op: 'score'; readonly input: PlanNode; readonly options: ScoreOptions }
  /** What no window below `input` took, as `Refused` rows. */
  | { readonly op: 'late'; readonly input: PlanNode }
  /** What could not be decoded or computed anywhere below, as `Refused` rows. */
  | { readonly op: 'errors'; readonly input: PlanNode }
  /** Rows as `Change` objects, retractions included. */
  | { readonly op: 'changes'; readonly input: PlanNode }

export interface TopicNode {
  readonly op: 'topic'
  /** Name of the connection (`--as`); `embedded` is the built-in one. */
  readonly connection: string
  readonly topic: string
  readonly options: TopicOptions
  /** Told by the pipeline to who reads: the longest window below, which needs the topic to keep as much. */
  readonly windowMs?: number | undefined
}

/** An Avro schema, and what people know it by: the name of its file. */
export interface NamedSchema {
  readonly name: string
  readonly text: string
}

export interface TopicOptions {
  /** `earliest`, `latest`, `-N`, a duration back from the topic's clock, an ISO instant with offset, `offset=P:N`. Default `-10000`. */
  readonly from?: string | undefined
  /** Same forms; the read is bounded and ends there. */
  readonly to?: string | undefined
  readonly partition?: number | undefined
  /** Field that holds the event time, or `processing-time`; without it the record's own timestamp is the event time. */
  readonly time?: string | undefined
  /** Default 5 s, of processing time 0. */
  readonly outOfOrderMs?: number | undefined
  /** Default 5 s; counts only in the live tail. */
  readonly idleMs?: number | undefined
  /** Field used as the key instead of the record's key. */
  readonly key?: string | undefined
  readonly format?: 'auto' | 'avro' | 'json' | 'text' | 'bytes' | undefined
  /** Values are Avro of this schema, and no registry is asked about them. */
  readonly schema?: NamedSchema | undefined
  /** Stop after so many records. */
  readonly limit?: number | undefined
}

/** `feed()` and `from(rows)`: rows are pushed in; watermarks and idleness are told by hand. */
export interface FeedNode {
  readonly op: 'feed'
  readonly id: string
  readonly partitions: number
  /** Field or lambda giving the event time; without it rows have the time of the push. */
  readonly time?: string | LambdaSlot | undefined
  /** Absent: only `watermark()` moves the time. */
  readonly outOfOrderMs?: number | undefined
  readonly bounded: boolean
  /** Rows come as columns: fields whose values are all numbers, and of which kind. */
  readonly columns?: Readonly<Record<string, 'int' | 'float'>> | undefined
  /** All rows are there from the start: as a table it is read before the other sources begin. */
  readonly complete?: boolean | undefined
}

/** A stream by its name: resolved when the consumer starts, and again when the name is replaced. */
export interface NamedNode {
  readonly op: 'stream'
  readonly name: string
}

export interface JoinNode {
  readonly op: 'join'
  readonly left: PlanNode
  readonly right: PlanNode
  readonly options: JoinSpec
}

export type JoinType = 'inner' | 'left' | 'right' | 'full' | 'semi' | 'anti'

export interface JoinSpec {
  readonly mode: JoinMode
  readonly type: JoinType
  /** Key columns of both sides, field names or lambdas; rows match where all are equal. null equals nothing. */
  readonly on: readonly { readonly left: string | LambdaSlot; readonly right: string | LambdaSlot }[]
  /** True for rows of a table or of versions that delete their key. */
  readonly deleted?: LambdaSlot | undefined
  /** `(left, right, bounds)`; absent: rows are `{ left, right }`, with bounds for window joins. */
  readonly f?: LambdaSlot | undefined
}

export type JoinMode =
  /** fromMs ≤ right time − left time ≤ toMs. */
  | { readonly kind: 'interval'; readonly fromMs: number; readonly toMs: number }
  | {
      readonly kind: 'window'
      readonly window: Extract<WindowSpec, { kind: 'tumbling' | 'hopping' | 'cumulating' | 'session' }>
    }
  | { readonly kind: 'table' }
  | { readonly kind: 'asOf' }
  | { readonly kind: 'ttl'; readonly ttlMs: number }

export interface WindowOptions {
  /** Absent: one running aggregate per key without bounds (`keyBy(k).aggregate`). */
  readonly window?: WindowSpec | undefined
  /** Key columns: field name, or a lambda with the column's name. Empty: one group. */
  readonly by: readonly { readonly name: string; readonly f?: LambdaSlot | undefined }[]
  readonly aggregates: readonly { readonly name: string; readonly aggregate: AggregateSpec }[]
  readonly latenessMs: number
  readonly emit: 'final' | 'changes' | { readonly everyMs: number }
}

export interface ScoreOptions {
  /** Key columns: a detector per key. Empty: one for all rows. */
  readonly by: WindowOptions['by']
  /** Name of a built-in detector, or of the model. */
  readonly detector: string
  /** Scored by the model of this name, not by a detector. */
  readonly model?:
    | {
        readonly name: string
        readonly engine: 'auto' | 'tensorflow' | 'cpu'
        /** Rows of one call at most; absent: as many as the model scores within `maxWaitMs`. */
        readonly batch?: number | undefined
        /** A call takes no longer: where it did, the next ones have fewer rows. Default 20. */
        readonly maxWaitMs?: number | undefined
      }
    | undefined
  readonly features: readonly string[]
  /** Field whose truth is kept as `score.label`. */
  readonly labels?: string | undefined
  /** `read`: a param, looked up at each row. Absent: the detector's own. */
  readonly threshold?:
    | { readonly value: number }
    | { readonly oneIn: number }
    | { readonly read: LambdaSlot; readonly param?: string | undefined }
    | undefined
  readonly warmUp?: number | undefined
  readonly seed?: number | undefined
  readonly period?: number | undefined
  readonly episode?: number | undefined
  /** Makes the row of event and score; absent: the event with a column `score`. */
  readonly output?: LambdaSlot | undefined
}

export type WindowSpec =
  | {
      readonly kind: 'tumbling'
      readonly sizeMs: number
      readonly offsetMs: number
      readonly calendar?: CalendarSize | undefined
    }
  | { readonly kind: 'hopping'; readonly sizeMs: number; readonly slideMs: number; readonly offsetMs: number }
  | {
      readonly kind: 'cumulating'
      readonly maxSizeMs: number
      readonly stepMs: number
      readonly offsetMs: number
      readonly calendar?: CalendarSize | undefined
    }
  | { readonly kind: 'session'; readonly gapMs: number }
  | { readonly kind: 'counting'; readonly size: number; readonly slide: number }
  /** One row per record: itself with the aggregates over what lies at most `sizeMs` before it, or over the last `rowCount`. */
  | { readonly kind: 'over'; readonly sizeMs?: number | undefined; readonly rowCount?: number | undefined }

/** Days, weeks (from Monday) or months of a time zone: their length in milliseconds is not always the same. */
export interface CalendarSize {
  readonly unit: 'd' | 'w' | 'mo'
  readonly count: number
  readonly zone: string
}

export interface MatchOptions {
  /** Key columns, as of a window; empty: all events share one key. */
  readonly by: WindowOptions['by']
  /** Pattern text, checked (stream/patterns). */
  readonly pattern: string
  /** A definition for each name of the pattern. */
  readonly definitions: readonly { readonly name: string; readonly f: LambdaSlot }[]
  readonly withinMs?: number | undefined
  readonly skip: import('./patterns/pattern.ts').Skip
  /** Partial matches one key may hold before it is closed. */
  readonly maxRuns: number
  readonly output: 'matches' | 'timeouts' | 'nearMisses'
}

export interface AggregateSpec {
  readonly kind:
    | 'count'
    | 'sum'
    | 'mean'
    | 'min'
    | 'max'
    | 'stddev'
    | 'first'
    | 'last'
    | 'countDistinct'
    | 'collect'
    | 'quantile'
    | 'histogram'
    | 'topK'
    | 'custom'
  /** Field or lambda giving the value; absent: the row itself (`count()` needs neither). */
  readonly value?: string | LambdaSlot | undefined
  /** quantile: 0…1. */
  readonly q?: number | undefined
  /** topK: how many rows. */
  readonly k?: number | undefined
  /** topK: of equal values the smaller of these is first. */
  readonly tie?: string | LambdaSlot | undefined
  /** histogram: width of the bins, or their edges, ascending. */
  readonly bins?: number | readonly number[] | undefined
  /** custom: the user's own functions. */
  readonly functions?:
    | {
        readonly init: LambdaSlot
        readonly add: LambdaSlot
        readonly merge: LambdaSlot
        readonly result?: LambdaSlot | undefined
        readonly remove?: LambdaSlot | undefined
      }
    | undefined
}
