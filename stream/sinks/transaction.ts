/**
 * A sink whose rows and whose place in its sources hold together or not at all:
 *
 *   rows … barrier ─▶ state on disk (checkpoint n) ─▶ commit: rows, positions, "n"
 *
 * Who starts again asks the broker for the last n and goes on from that state: a state without its commit is never used, a commit
 * without its state cannot be. A query that was changed, or whose rows cannot be read again, begins anew.
 */
import { StreamError } from '../errors.ts'
import { planKeyOf } from '../checkpoints/plan-key.ts'
import type { CheckpointParts } from '../checkpoints/checkpoint-file.ts'
import type { Found } from '../checkpoints/checkpointer.ts'
import type { CheckpointStore } from '../checkpoints/store.ts'
import type { Connection, SourcePositions, TransactionalWriter } from '../connectors/connector.ts'
import type { FeedNode, PlanNode, TopicNode } from '../plan.ts'
import { openSink } from './open-sink.ts'
import type { SinkWriter, TopicTarget } from './sink.ts'

export interface TransactionOfSink {
  readonly target: TopicTarget
  /** Names the sink over restarts. */
  readonly name: string
  /** Without names: the plan as it will run. */
  readonly plan: PlanNode
  readonly connection: (name: string) => Promise<Connection> | Connection
  readonly store: CheckpointStore
  readonly onRefused: (error: StreamError) => void
  readonly tell: (text: string) => void
  readonly nowMs: () => number
}

/** Positions of every source of the plan, in its order. */
export type Positions = readonly (readonly (readonly [partition: number, offset: bigint])[])[]

export class SinkTransaction {
  readonly writer: SinkWriter
  /** What the plan begins with; undefined: nothing was committed. */
  readonly found: Found | undefined
  private readonly of: TransactionOfSink
  private readonly id: string
  private readonly key: string
  private readonly records: TransactionalWriter
  private readonly sources: readonly (TopicNode | FeedNode)[]
  private number: number
  private over = false
  private writing: Promise<unknown> | undefined

  static async open(of: TransactionOfSink): Promise<SinkTransaction> {
    const { target, plan } = of
    const connection = await of.connection(target.connection)
    if (connection.transactions === undefined)
      throw new StreamError({
        code: 'OPTION_INVALID',
        message: `Cannot write to topic "${target.topic}" in transactions: ${connection.url} has none`,
        hint: '%sink without --transactional',
      })
    const id = `riffle-${target.topic}-${of.name}`
    const sources = sourcesOf(plan)
    const topics = sources.flatMap(node =>
      node.op === 'topic' && node.connection === target.connection ? [node.topic] : [],
    )
    let records: TransactionalWriter | undefined
    const writer = await openSink(target, {
      plan,
      connection: () => connection,
      onRefused: of.onRefused,
      records: async topic => (records = await connection.transactions!(topic, { id, sources: [...new Set(topics)] })),
    })
    try {
      const number = Number(records!.committed ?? 0)
      const found = await foundOf(of, id, number, sources)
      return new SinkTransaction(of, { id, writer, records: records!, sources, number, found })
    } catch (error) {
      await writer.close()
      throw error
    }
  }

  private constructor(
    of: TransactionOfSink,
    parts: Pick<SinkTransaction, 'writer' | 'found'> & {
      readonly id: string
      readonly records: TransactionalWriter
      readonly sources: SinkTransaction['sources']
      readonly number: number
    },
  ) {
    this.of = of
    this.id = parts.id
    this.key = planKeyOf(of.plan)
    this.writer = parts.writer
    this.records = parts.records
    this.sources = parts.sources
    this.number = parts.number
    this.found = parts.found
  }

  /** All rows written so far hold from now on, with the state that made them. */
  async commit({ meta, bytes }: CheckpointParts, positions: Positions): Promise<void> {
    const number = this.number + 1
    if (canGoOn(this.sources)) {
      this.requireOpen()
      const whole = { key: this.key, savedAtMs: this.of.nowMs(), own: meta }
      await (this.writing = this.of.store.write(this.id, number, { meta: whole, bytes }))
    }
    this.requireOpen()
    await this.records.commit(this.positionsOf(positions), String(number))
    this.number = number
  }

  private requireOpen(): void {
    if (!this.over) return
    const { target } = this.of
    throw new StreamError({
      code: 'STREAM_STOPPED',
      message: `Cannot commit to topic "${target.topic}": another transaction took the place of this one`,
    })
  }

  /** Resolves when nothing of it is written any more: what takes its place gives the same numbers to other states. */
  async end(): Promise<void> {
    this.over = true
    await this.writing?.catch(() => undefined)
    await this.writer.close()
  }

  /** Of the topics on the target's own connection; one that is read twice counts where it is read less far. */
  private positionsOf(positions: Positions): SourcePositions[] {
    const topics = new Map<string, Map<number, bigint>>()
    for (const [i, node] of this.sources.entries()) {
      if (node.op !== 'topic' || node.connection !== this.of.target.connection) continue
      const known = topics.get(node.topic) ?? new Map<number, bigint>()
      topics.set(node.topic, known)
      for (const [partition, offset] of positions[i] ?? []) {
        const before = known.get(partition)
        if (before === undefined || offset < before) known.set(partition, offset)
      }
    }
    return [...topics].flatMap(([topic, known]) => (known.size === 0 ? [] : [{ topic, partitions: [...known] }]))
  }
}

async function foundOf(
  { store, plan, tell, name }: TransactionOfSink,
  id: string,
  number: number,
  sources: SinkTransaction['sources'],
): Promise<Found | undefined> {
  if (number === 0 || !canGoOn(sources)) return undefined
  try {
    const { meta, bytes } = await store.read(id, number)
    const { key, savedAtMs, own } = meta as { key: string; savedAtMs: number; own: unknown }
    if (key === planKeyOf(plan)) return { number, savedAtMs, meta: own, bytes }
    tell(`Sink "${name}" begins anew: what it writes was changed since its last transaction`)
    return undefined
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new StreamError({
      code: 'CHECKPOINT_INVALID',
      message: `Cannot go on writing "${name}" exactly once: its transaction ${number} is committed, its state is not there`,
      detail: `${why}; in folder ${store.folder}`,
      hint: 'Bring the folder back; or give the sink another name (%sink … --as NAME): it begins anew, rows come twice',
      cause,
    })
  }
}

/** Rows that were pushed cannot be read again: their sink has transactions, but no way back. */
const canGoOn = (sources: readonly (TopicNode | FeedNode)[]): boolean => sources.every(node => node.op === 'topic')

/** Topics and feeds of a plan without names, in the order of the pipeline. */
export function sourcesOf(plan: PlanNode): (TopicNode | FeedNode)[] {
  if (plan.op === 'topic' || plan.op === 'feed') return [plan]
  if (plan.op === 'stream') return []
  if (plan.op === 'join' || plan.op === 'union') return [...sourcesOf(plan.left), ...sourcesOf(plan.right)]
  return sourcesOf(plan.input)
}
