/** What joins of columns share: runs of rows under one watermark, and the loop that a lambda's text becomes. */
import { pairLambda } from '../../lambdas/field-expression.ts'
import type { PairLambda } from '../../lambdas/field-expression.ts'
import type { Batch } from '../../model.ts'
import type { JoinSpec, PlanNode } from '../../plan.ts'
import type { Lambda, StageContext } from '../operator.ts'
import type { ColumnLanes } from './column-lanes.ts'
import type { SideColumns } from './column-side.ts'
import { PairColumns } from './pair-columns.ts'
import type { PairKind } from './pair-columns.ts'
import { SizeLimit } from './size-limit.ts'
import { TwoSides } from './two-sides.ts'
import type { SavedAtOnce, Side, TwoInputState } from './two-sides.ts'

/** Rows of a side looked up at a time: what they touch stays in the caches until it is used. */
export const BLOCK = 512

/** A join whose sides are columns of numbers with whole-number keys, and whose lambda only computes with them. */
export interface ColumnJoinPlan {
  readonly sides: readonly [SideColumns, SideColumns]
  readonly pair: PairLambda
  readonly kinds: readonly PairKind[]
}

/** Undefined: rows are needed. */
export function columnJoinPlan(
  spec: JoinSpec,
  inputs: readonly [PlanNode, PlanNode],
  lambda: Lambda | undefined,
): ColumnJoinPlan | undefined {
  const [on, second] = spec.on
  if (on === undefined || second !== undefined || spec.deleted !== undefined) return undefined
  const [left, right] = [sideColumns(inputs[0], on.left), sideColumns(inputs[1], on.right)]
  if (left === undefined || right === undefined) return undefined
  const names = [left, right].map(({ kinds }) => new Set(Object.keys(kinds))) as [Set<string>, Set<string>]
  const pair = pairLambda(lambda?.text, names, spec.type === 'left')
  if (pair === undefined) return undefined
  const kinds = pair.fields.map(([, { column, of, numeric }]): PairKind => {
    if (column !== undefined) return (of === 0 ? left : right).kinds[column] ?? 'any'
    return numeric ? 'float' : 'any'
  })
  return { sides: [left, right], pair, kinds }
}

function sideColumns(node: PlanNode, key: JoinSpec['on'][number]['left']): SideColumns | undefined {
  if (node.op === 'filter') return sideColumns(node.input, key)
  if (node.op !== 'feed' || node.columns === undefined || typeof key !== 'string') return undefined
  const { columns, time } = node
  if (columns[key] !== 'int' || (time !== undefined && (typeof time !== 'string' || columns[time] === undefined)))
    return undefined
  return { key, time: time === key ? undefined : time, kinds: columns }
}

export abstract class ColumnJoin extends TwoSides implements SavedAtOnce {
  private follower: ColumnLanes | undefined

  override onInput(side: Side, batch: Batch): Batch {
    this.follower?.onInput(side, batch)
    return super.onInput(side, batch)
  }

  snapshot(): TwoInputState {
    return { inputs: this.inputs.snapshot(), mine: this.save() }
  }

  watch(on: boolean): void {
    if (on === (this.lanes !== undefined)) return
    this.follower = on ? this.followed() : undefined
    this.lanes = this.follower?.lanes
  }

  protected override onRows(side: Side, batch: Batch): void {
    this.context.passed()
    this.begin(side, batch)
    const count = this.holdBack(side, batch)
    const taken = count === 0 ? 0 : this.straight(side, batch, count)
    if (taken < count) {
      // As long as the other side holds the watermark back, it stands still.
      if (this.inputs.isHeldBy(side === 0 ? 1 : 0)) this.onRun(side, taken, count)
      else this.onMoving(side, batch, taken, count)
    }
    this.end()
  }

  /** Rows from `first` to `count`, each run of them under the watermark before it. */
  private onMoving(side: Side, { beforeMs }: Batch, first: number, count: number): void {
    for (let from = first; from < count;) {
      this.tell(side, beforeMs[from] as number)
      let to = count
      if (!this.inputs.isHeldBy(side === 0 ? 1 : 0)) {
        to = from + 1
        while (to < count && beforeMs[to] === beforeMs[from]) to++
      }
      this.onRun(side, from, to)
      from = to
    }
  }

  /** Puts rows at the end of a batch aside that need not be looked at yet; gives how many are left. */
  protected holdBack(_side: Side, { count }: Batch): number {
    return count
  }

  /** Takes as many of the first `count` rows as it can in one go, the watermark moving between them, and gives their number. */
  protected straight(_side: Side, _batch: Batch, _count: number): number {
    return 0
  }

  protected abstract save(): unknown
  /** Who follows rows through it from now on. */
  protected abstract followed(): ColumnLanes
  /** Rows of a batch follow, in runs. */
  protected abstract begin(side: Side, batch: Batch): void
  /** Rows between which the watermark does not move. */
  protected abstract onRun(side: Side, from: number, to: number): void
  /** Lets go of the batch. */
  protected abstract end(): void
}

/**
 * Parts of a join that nobody runs. V8 forgets what it has compiled for a class with the last of its objects: one is kept, or a
 * stream begun anew would be slow again.
 */
export function keptParts() {
  const side: SideColumns = { key: 'k', time: 't', kinds: { k: 'int', t: 'float', v: 'int', w: 'float' } }
  const pair: PairLambda = {
    reads: [
      ['v', 'w'],
      ['v', 'w'],
    ],
    fields: [],
  }
  const context: StageContext = { drop() {}, tookLate() {}, refuse() {}, threw() {}, passed() {} }
  // What its rows are made with is not looked at.
  const out = new PairColumns({ names: [], kinds: [], lambda: undefined as never, context })
  const limit = new SizeLimit(undefined, String, '')
  return {
    plan: { sides: [side, side], pair, kinds: [] },
    pads: false,
    fromMs: -1,
    toMs: 1,
    out,
    limit,
    context,
  } as const
}

/** Text that writes one row of the result at `n`; `l0`, `r0` … are declared by the caller. */
export function writeText({ fields }: PairLambda, kinds: readonly PairKind[]): string {
  return fields.map(([, { text }], n) => (kinds[n] === 'any' ? `o${n}.push(${text})` : `o${n}[n] = ${text}`)).join('; ')
}

/** Text that reads the arrays of the result, again after each `reserve`. */
export function outText(kinds: readonly PairKind[]): string {
  const arrays = kinds.map((_, n) => `o${n} = out.columns[${n}]`)
  return [...arrays, 'ot = out.times', 'cap = out.capacity'].join(', ')
}
