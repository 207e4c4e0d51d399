/** Named streams of the engine as checkpoints: which can go on in another process, what is kept of them, what they begin with. */
import { Checkpointer } from '../../stream/checkpoints/checkpointer.ts'
import type { KeptChart } from '../../stream/charts/chart.ts'
import type { Found, Kept } from '../../stream/checkpoints/checkpointer.ts'
import { planKeyOf } from '../../stream/checkpoints/plan-key.ts'
import type { StreamError } from '../../stream/errors.ts'
import type { PlanNode } from '../../stream/plan.ts'
import { wallClock } from '../../stream/time/clock.ts'
import type { RunBase } from './compute-protocol.ts'
import type { Connections } from './connections.ts'
import type { Execution } from './execution.ts'

/** What a run begins with. */
export interface Resumed {
  readonly base: RunBase
  readonly params: Readonly<Record<string, unknown>>
  readonly savedAtMs: number
  readonly charts: readonly KeptChart[]
}

/** The base without its bytes, which stand beside it in the file. */
interface Meta {
  readonly base: Omit<RunBase, 'bytes' | 'taps'>
  readonly params: Readonly<Record<string, unknown>>
  /** Now of the built-in topics: they go on from there. */
  readonly topicsNowMs: number
  /** Absent in checkpoints of sinks, and of releases before this. */
  readonly charts?: readonly KeptChart[] | undefined
}

/** A named stream as this file sees it. */
export interface Running {
  readonly name: string
  /** Names inlined. */
  readonly plan: PlanNode
  readonly execution: Execution
}

export interface CheckpointsOptions {
  readonly connections: Connections
  readonly running: () => readonly Running[]
  /** What is kept of the charts of a stream; `taps`: their states at its snapshot. */
  readonly charts: (name: string, taps: RunBase['taps']) => readonly KeptChart[]
  readonly onError: (name: string, error: StreamError) => void
}

export class Checkpoints extends Checkpointer {
  private readonly connections: Connections

  constructor({ connections, running, charts, onError }: CheckpointsOptions) {
    super({
      clock: wallClock,
      program: 'notebook',
      onError,
      streams: () => running().map(stream => keptOf(stream, { connections, charts })),
    })
    this.connections = connections
  }

  /** Undefined: the stream is a new one. */
  async resume(name: string, plan: PlanNode, tell: (text: string) => void): Promise<Resumed | undefined> {
    const found = await this.begin(name, planKeyOf(plan), tell)
    if (found === undefined) return undefined
    const resumed = resumedOf(found)
    const { topicsNowMs } = found.meta as Meta
    this.connections.embedded.log.clock.advanceTo(topicsNowMs)
    return resumed
  }
}

export function resumedOf(found: Found): Resumed
export function resumedOf(found: Found | undefined): Resumed | undefined
export function resumedOf(found: Found | undefined): Resumed | undefined {
  if (found === undefined) return undefined
  const { meta, bytes, savedAtMs } = found
  const { base, params, charts = [] } = meta as Meta
  return { base: { ...base, bytes, taps: {} }, params, savedAtMs, charts }
}

function keptOf(
  { name, plan, execution }: Running,
  { connections, charts }: Pick<CheckpointsOptions, 'connections' | 'charts'>,
): Kept {
  const { run } = execution
  return {
    name,
    key: planKeyOf(plan),
    refusal: refusalOf(execution, connections),
    progress: fresh => (fresh ? run.sent : (run.checkpoint?.base.sequence ?? 0)),
    state: async fresh => {
      if (fresh) await run.takeSnapshot()
      const { checkpoint } = run
      return checkpoint === undefined ? undefined : partsOf(checkpoint, connections, charts(name, checkpoint.base.taps))
    },
  }
}

export function partsOf(
  checkpoint: NonNullable<Execution['run']['checkpoint']>,
  connections: Connections,
  charts?: readonly KeptChart[],
) {
  const { bytes, taps: _taps, ...base } = checkpoint.base
  const meta: Meta = { base, params: checkpoint.params, topicsNowMs: connections.embedded.nowMs(), charts }
  return { meta, bytes, progress: base.sequence }
}

/** Why a stream has nothing to read on in another process. */
function refusalOf({ run }: Execution, connections: Connections): string | undefined {
  for (const source of run.sources) {
    if (source.op === 'feed') return 'it reads rows that a cell pushes: they are gone with the cell'
    const connection = connections.find(source.connection)
    if (connection === connections.embedded && !connections.embedded.log.isDemo(source.topic))
      return `the built-in topic "${source.topic}" ends with the engine, what a cell sent to it too`
  }
  return undefined
}
