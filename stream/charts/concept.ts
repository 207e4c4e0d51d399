/**
 * What kind of result a plan gives, as far as a chart cares: windows over time, one running row per key, or plain rows.
 * The concept picks the default picture (spec.ts), the identity of a row (tap.ts) and how much is kept (retain.ts).
 */
import { shortened } from '../shown-text.ts'
import type { JoinNode, JoinType, PlanNode, ScoreOptions, WindowOptions } from '../plan.ts'
import { parsePattern } from '../patterns/parse.ts'
import { outline, stepText } from '../targets/outline.ts'

export interface ChartConcept {
  readonly form: 'window' | 'running' | 'rows'
  /** Names of the key columns, in order; empty: one group. */
  readonly by: readonly string[]
  /** Names of the aggregate columns, in order. */
  readonly aggregates: readonly string[]
  /** Event time between two results of one key; undefined for sessions and plain rows. */
  readonly stepMs?: number | undefined
  /** Rows may be revised: `kind` and `revision` are shown (rules.md 18). */
  readonly revisions: boolean
  /** A row may be taken back: a changelog. Set by who knows the whole plan. */
  readonly retracts?: boolean | undefined
  /** Set when the rows are of a pattern: its steps in the order of the text. */
  readonly pattern?:
    { readonly steps: readonly string[]; readonly rows: 'matches' | 'timeouts' | 'nearMisses' } | undefined
  /** Set when the rows are those a join gives, all of them. */
  readonly join?: JoinConcept | undefined
  /** Set when the rows are events with a score. */
  readonly scores?: ScoresConcept | undefined
}

export interface JoinConcept {
  readonly kind: 'interval' | 'window' | 'table' | 'asOf' | 'ttl'
  readonly type: JoinType
  /** What it does, in words: `left join within -5m..5m on orderId`. */
  readonly text: string
  /** Left, right. */
  readonly names: readonly [string, string]
}

export interface ScoresConcept {
  readonly features: readonly string[]
  /** Key fields: each of their values has scores of its own. */
  readonly by: readonly string[]
  /** The param the threshold follows; null when it stands still. */
  readonly param: string | null
  /** What the threshold is compared with; null: the detector or model decides. */
  readonly compares: 'value' | 'oneIn' | null
  /** The model that scores; absent where a detector does. */
  readonly model?: string | undefined
  /** Where the events come from: labels are kept under its name, so that they outlive streams, models and replays. */
  readonly source: string
}

/** The name of a side stands beside its lane. */
const NAME_LIMIT = 22
const ROWS: ChartConcept = { form: 'rows', by: [], aggregates: [], revisions: false }

/**
 * The concept of a plan's result. `planOf` finds the plan behind the name of another stream; an unknown name, or a ring of
 * names, counts as plain rows.
 */
export function chartConcept(plan: PlanNode, planOf: (name: string) => PlanNode | undefined): ChartConcept {
  return walk(plan, planOf, new Set())
}

function walk(plan: PlanNode, planOf: (name: string) => PlanNode | undefined, seen: Set<string>): ChartConcept {
  // A filter keeps columns and identity; every other step makes rows of its own.
  if (plan.op === 'filter') {
    // Of a join that is filtered the picture would show what is not there.
    const { join: _, ...kept } = walk(plan.input, planOf, seen)
    return kept
  }
  if (plan.op === 'join') return { ...ROWS, join: joinConcept(plan) }
  if (plan.op === 'window') return windowConcept(plan.options)
  if (plan.op === 'score' && plan.options.output === undefined)
    return { ...ROWS, scores: scoresConcept(plan.options, sourceOf(plan.input) ?? plan.options.detector) }
  if (plan.op === 'match')
    return { ...ROWS, pattern: { steps: parsePattern(plan.options.pattern).steps, rows: plan.options.output } }
  // What `select` makes of matches is still about them.
  if (plan.op === 'map') {
    const { pattern } = walk(plan.input, planOf, seen)
    return pattern === undefined ? ROWS : { ...ROWS, pattern }
  }
  if (plan.op === 'stream' && !seen.has(plan.name)) {
    const found = planOf(plan.name)
    return found === undefined ? ROWS : walk(found, planOf, seen.add(plan.name))
  }
  return ROWS
}

function scoresConcept({ by, features, model, threshold }: ScoreOptions, source: string): ScoresConcept {
  return {
    features,
    by: by.flatMap(({ name, f }) => (f === undefined ? [name] : [])),
    param: threshold !== undefined && 'read' in threshold ? (threshold.param ?? null) : null,
    compares: threshold === undefined ? null : 'oneIn' in threshold ? 'oneIn' : 'value',
    ...(model === undefined ? {} : { model: model.name }),
    source,
  }
}

function joinConcept(plan: JoinNode): JoinConcept {
  const { mode, type } = plan.options
  const [left, right] = [shortened(outline(plan.left), NAME_LIMIT), shortened(outline(plan.right), NAME_LIMIT)]
  const names = left === right ? (['left', 'right'] as const) : ([left, right] as const)
  return { kind: mode.kind, type, text: stepText(plan), names }
}

/** The topic or named stream that the first rows come from. */
function sourceOf(plan: PlanNode): string | undefined {
  if (plan.op === 'topic') return plan.topic
  if (plan.op === 'stream') return plan.name
  if (plan.op === 'feed') return plan.id
  return 'input' in plan ? sourceOf(plan.input) : sourceOf(plan.left)
}

function windowConcept(options: WindowOptions): ChartConcept {
  const shared = {
    by: options.by.map(column => column.name),
    aggregates: options.aggregates.map(column => column.name),
    revisions: options.latenessMs > 0 || options.emit !== 'final',
  }
  const { window } = options
  if (window === undefined) return { ...shared, form: 'running', revisions: false }
  switch (window.kind) {
    case 'tumbling':
      return { ...shared, form: 'window', stepMs: window.sizeMs }
    case 'hopping':
      return { ...shared, form: 'window', stepMs: window.slideMs }
    case 'cumulating':
      return { ...shared, form: 'window', stepMs: window.stepMs }
    case 'session':
      return { ...shared, form: 'window' }
    // A row per record, with what the record had beside the aggregates.
    case 'over':
    case 'counting':
      // They have no bounds in time (rules.md 6), so their rows are just rows.
      return { ...shared, form: 'rows' }
  }
}
