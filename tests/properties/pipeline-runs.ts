/** Driving a pipeline directly with twin events: cut into batches anywhere, restarted from a snapshot anywhere. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Batch, SourceEvent } from '../../stream/model.ts'
import { buildPipeline } from '../../stream/pipeline.ts'
import type { Pipeline } from '../../stream/pipeline.ts'
import type { FeedNode, PlanNode } from '../../stream/plan.ts'
import type { TwinEvent } from '../reference/watermark.ts'

export interface Run {
  /** Rows with their weight, in order. */
  readonly rows: readonly unknown[]
  readonly late: readonly unknown[]
  readonly stats: ReturnType<Pipeline['stats']>
}

export function feedNode(partitions: number, outOfOrderMs: number | undefined): FeedNode {
  return { op: 'feed', id: 'test', partitions, time: 't', outOfOrderMs, bounded: true }
}

interface Driven {
  readonly kind: string
  /** Of joins: rows of two sides never share a batch. */
  readonly side?: 0 | 1
}

export interface Driver<E extends Driven> {
  /** A batch of rows ends before these indices, or before and behind each. */
  readonly cuts: ReadonlySet<number> | 'all'
  /** A new pipeline takes over before these. */
  readonly restarts: ReadonlySet<number>
  readonly build: () => Pipeline
  /** Puts in rows of one side. */
  readonly rows: (to: Pipeline, rows: Extract<E, { kind: 'row' }>[]) => void
  /** Puts in what is no row. */
  readonly other: (to: Pipeline, event: Exclude<E, { kind: 'row' }>) => void
  /** Told the index of each event before it goes in. */
  readonly at?: (index: number) => void
  /**
   * The snapshots are made in pieces, and the pipeline goes on with any events between two of them: nothing of that may be in the
   * snapshot. Gives the rows that come while `f` runs; they are no rows of the run.
   */
  readonly aside?: ((f: () => void) => unknown) | undefined
}

/** Puts all events in; gives the pipeline they ended in. */
export function drive<E extends Driven>(
  events: readonly E[],
  { cuts, restarts, build, rows, other, at, aside }: Driver<E>,
): Pipeline {
  const one = (to: Pipeline, event: E) =>
    event.kind === 'row'
      ? rows(to, [event as Extract<E, { kind: 'row' }>])
      : other(to, event as Exclude<E, { kind: 'row' }>)
  const snapshotOf = (from: Pipeline, next: number): Uint8Array => {
    const whole = from.snapshot()
    if (aside === undefined) return whole
    let bytes: Uint8Array | undefined
    aside(() => {
      let at = next
      for (const steps = from.snapshotInSteps(); bytes === undefined;) {
        const { done, value } = steps.next()
        if (done === true) bytes = value
        else if (value === 'moving')
          for (let n = 0; n < 2; n++, at += 3) one(from, { ...(events[at % events.length] as E), id: 1000 + at })
      }
    })
    // Not only what comes next shows what is in it.
    const after = (state: Uint8Array): unknown =>
      aside(() => {
        const other = build()
        other.restore(state)
        for (const event of events.toReversed()) one(other, event)
        for (const source of other.sources.keys()) other.push(source, { kind: 'end' })
      })
    assert.deepEqual(after(bytes!), after(whole))
    return bytes!
  }
  let pipeline = build()
  let pending: Extract<E, { kind: 'row' }>[] = []
  const flush = () => {
    if (pending.length > 0) rows(pipeline, pending)
    pending = []
  }
  events.forEach((event, i) => {
    if (cuts === 'all' || cuts.has(i) || pending[0]?.side !== event.side) flush()
    if (restarts.has(i)) {
      flush()
      const snapshot = snapshotOf(pipeline, i)
      pipeline = build()
      pipeline.restore(snapshot)
    }
    if (event.kind !== 'row') flush()
    at?.(i)
    if (event.kind === 'row') pending.push(event as Extract<E, { kind: 'row' }>)
    else one(pipeline, event)
    if (cuts === 'all') flush()
  })
  flush()
  return pipeline
}

/**
 * `cuts`: a batch of rows ends before these indices. `restart`: a new pipeline takes over before this index. A plan with several
 * sources gets the same events in each, batch by batch.
 */
export function run(
  plan: PlanNode,
  events: readonly TwinEvent[],
  cuts: ReadonlySet<number>,
  restarts: ReadonlySet<number> = new Set(),
): Run {
  const rows: unknown[] = []
  const late: unknown[] = []
  const build = () =>
    buildPipeline(plan, {
      revive: slot => slot as (...args: never[]) => unknown,
      decode: () => ({ rows: [], keys: [], failures: [] }),
      onOutput: (batch: Batch) => batch.rows.forEach((row, i) => rows.push({ weight: batch.weights?.[i] ?? 1, row })),
    })
  const pipeline = drive(events, {
    cuts,
    restarts,
    build,
    rows: (to, rows) => {
      const partitions = Int32Array.from(rows, e => e.partition)
      for (const source of to.sources.keys()) to.push(source, { kind: 'rows', rows, partitions })
    },
    other: (to, event) => {
      for (const source of to.sources.keys()) to.push(source, told(event))
    },
  })
  for (const source of pipeline.sources.keys()) pipeline.push(source, { kind: 'end' })
  late.push(...pipeline.lateRows)
  return { rows, late, stats: pipeline.stats() }
}

function told(event: Exclude<TwinEvent, { kind: 'row' }>): SourceEvent {
  if (event.kind === 'idle') return { kind: 'idle', partition: event.partition }
  return { kind: 'watermark', watermarkMs: event.at }
}

/** A snapshot gives plain objects back; ones without a prototype would differ for no reason of ours. */
const PLAIN = { noNullPrototype: true } as const

/** Events with disorder, ties, negative times, idle partitions and explicit watermarks. */
export function twinEvents(partitions: number): fc.Arbitrary<TwinEvent[]> {
  const row = fc.record(
    {
      kind: fc.constant('row' as const),
      partition: fc.nat({ max: partitions - 1 }),
      t: fc.integer({ min: -20, max: 60 }),
      key: fc.constantFrom('a', 'b', 'c'),
      value: fc.option(fc.integer({ min: -9, max: 9 })),
    },
    PLAIN,
  )
  const idle = fc.record({ kind: fc.constant('idle' as const), partition: fc.nat({ max: partitions - 1 }) }, PLAIN)
  const mark = fc.record({ kind: fc.constant('watermark' as const), at: fc.integer({ min: -20, max: 60 }) }, PLAIN)
  return fc.array(
    fc.oneof({ weight: 10, arbitrary: row }, { weight: 1, arbitrary: idle }, { weight: 1, arbitrary: mark }),
    { maxLength: 40 },
  )
}

export const places: fc.Arbitrary<Set<number>> = fc
  .uniqueArray(fc.nat({ max: 40 }), { maxLength: 12 })
  .map(list => new Set(list))
