/** From a join node to its operator. */
import { StreamError } from '../../errors.ts'
import type { JoinNode, JoinSpec, LambdaSlot } from '../../plan.ts'
import { fieldReader } from '../compile.ts'
import { lambdaOf } from '../lambda.ts'
import { mayRetract } from '../may-retract.ts'
import type { LambdaHost } from '../lambda.ts'
import type { Lambda, StageContext } from '../operator.ts'
import type { NamedReader } from '../row-reader.ts'
import { windowShape } from '../window-shape.ts'
import { AsOfJoin } from './as-of.ts'
import { ColumnAsOfJoin } from './column-as-of.ts'
import { ColumnIntervalJoin } from './column-interval.ts'
import { columnJoinPlan } from './column-join.ts'
import { Deletes } from './deletes.ts'
import { IntervalJoin } from './interval.ts'
import { JoinKeys } from './keys.ts'
import { PairColumns } from './pair-columns.ts'
import { PIECE_ROWS } from './row-pieces.ts'
import { JoinedRows } from './rows.ts'
import { SessionJoin } from './session.ts'
import { SizeLimit } from './size-limit.ts'
import { TableJoin } from './table.ts'
import { TtlJoin } from './ttl.ts'
import type { TwoInputOperator } from './two-inputs.ts'
import { WindowJoin } from './window.ts'

export interface JoinHost extends LambdaHost {
  /** Rows waiting in one join may take so much memory; default 1 GB. */
  readonly joinStateBytes?: number | undefined
  /** Rows that a snapshot of a join takes at a time; default some thousand. */
  readonly snapshotPieceRows?: number | undefined
}

export function buildJoin(node: JoinNode, host: JoinHost, context: StageContext): TwoInputOperator {
  const spec = node.options
  const { mode, type } = spec
  if (spec.on.length === 0) throw new StreamError({ code: 'OPTION_INVALID', message: 'Cannot join on no column' })
  const reader = (slot: string | LambdaSlot, side: string): NamedReader => {
    if (typeof slot === 'string') return { name: slot, read: fieldReader(slot) }
    const lambda = lambdaOf(slot, host)
    return { name: side, read: lambda.call, lambda }
  }
  const keys = new JoinKeys(
    spec.on.map(column => reader(column.left, 'key')),
    spec.on.map(column => reader(column.right, 'key')),
    context,
  )
  const lambda = spec.f === undefined ? undefined : lambdaOf(spec.f, host)
  const out = new JoinedRows(lambda, type === 'semi' || type === 'anti', context)
  const limit = new SizeLimit(host.joinStateBytes, keyId => keys.text(keyId), WAY_OUT[mode.kind])
  const inColumns = columnJoin(node, lambda, limit, context)
  if (inColumns !== undefined) return inColumns
  const parts = { keys, out, limit, context, pieceRows: host.snapshotPieceRows ?? PIECE_ROWS }
  const pads = [type === 'left' || type === 'full', type === 'right' || type === 'full'] as const
  const deletes = new Deletes(spec.deleted === undefined ? undefined : lambdaOf(spec.deleted, host), context)
  switch (mode.kind) {
    case 'interval':
      return new IntervalJoin({ ...parts, fromMs: mode.fromMs, toMs: mode.toMs, pads })
    case 'table':
      return new TableJoin({ ...parts, pads: pads[0], deletes })
    case 'asOf':
      return new AsOfJoin({ ...parts, pads: pads[0], deletes })
    case 'ttl':
      return new TtlJoin({
        ...parts,
        ttlMs: mode.ttlMs,
        pads,
        changelogs: [mayRetract(node.left), mayRetract(node.right)],
      })
    case 'window':
      return mode.window.kind === 'session'
        ? new SessionJoin({ ...parts, type, gapMs: mode.window.gapMs })
        : new WindowJoin({ ...parts, type, shape: windowShape(mode.window) })
  }
}

/** A join of numbers by one whole-number key: loops over columns. */
function columnJoin(
  { left, right, options: spec }: JoinNode,
  lambda: Lambda | undefined,
  limit: SizeLimit,
  context: StageContext,
): TwoInputOperator | undefined {
  const { mode, type } = spec
  if (lambda === undefined || (mode.kind === 'interval' ? type !== 'inner' : mode.kind !== 'asOf')) return undefined
  const plan = columnJoinPlan(spec, [left, right], lambda)
  if (plan === undefined) return undefined
  const { kinds } = plan
  const out = new PairColumns({ names: plan.pair.fields.map(([name]) => name), kinds, lambda, context })
  return mode.kind === 'interval'
    ? new ColumnIntervalJoin({ plan, fromMs: mode.fromMs, toMs: mode.toMs, out, limit, context })
    : new ColumnAsOfJoin({ plan, pads: type === 'left', out, limit, context })
}

const WAY_OUT: Readonly<Record<JoinSpec['mode']['kind'], string>> = {
  interval: 'Join within a shorter time, or on a key with more values; an input whose watermark stands keeps all rows',
  window: 'Use a shorter window, or a key with more values; an input whose watermark stands keeps all windows open',
  table: 'Delete keys that are no longer needed with null values, or keep fewer fields with .map()',
  asOf: 'Keep fewer fields with .map(), or a key with fewer values; an input whose watermark stands keeps all rows',
  ttl: 'Use a shorter ttl, or a key with more values',
}
