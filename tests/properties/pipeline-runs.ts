/** Driving a pipeline directly with twin events: cut into batches anywhere, restarted from a snapshot anywhere. */
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

/** `cuts`: a batch of rows ends before these indices. `restart`: a new pipeline takes over before this index. */
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
  let pipeline = build()
  let pending: TwinEvent[] = []
  const flush = () => {
    if (pending.length === 0) return
    const partitions = Int32Array.from(pending, e => (e.kind === 'row' ? e.partition : 0))
    pipeline.push(0, { kind: 'rows', rows: pending, partitions })
    pending = []
  }
  events.forEach((event, i) => {
    if (cuts.has(i)) flush()
    if (restarts.has(i)) {
      flush()
      const snapshot = pipeline.snapshot()
      pipeline = build()
      pipeline.restore(snapshot)
    }
    if (event.kind === 'row') pending.push(event)
    else {
      flush()
      pipeline.push(0, told(event))
    }
  })
  flush()
  pipeline.push(0, { kind: 'end' })
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
