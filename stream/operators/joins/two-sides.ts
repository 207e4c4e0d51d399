/**
 * What all operators with two inputs share: one watermark, the minimum of both. What is decided about a row depends only on rows
 * and watermarks before it, so batches may be cut anywhere.
 *
 *   rows of a side, each under the watermark before it ─▶ onRows      watermark rose to W ─▶ advance(W): pads, firings, expiry
 */
import type { Batch } from '../../model.ts'
import { InputWatermarks } from '../../time/input-watermarks.ts'
import type { InputWatermarksState } from '../../time/input-watermarks.ts'
import type { StageContext } from '../operator.ts'
import type { JoinLanes } from './lanes.ts'
import type { JoinView } from '../../join-view.ts'

/** 0 is left. */
export type Side = 0 | 1

export interface WithTwoInputs {
  /** Rows of one side, then its watermark; an empty batch is a watermark alone, infinity the end of the side. */
  onInput(side: Side, batch: Batch): Batch
  restore(state: unknown): void
  stateBytes(): number
  /** Rows that wait for partners; absent where none does. */
  waitingCount?(): number
  /** Somebody looks at its rows from now on, or nobody does any more: only then rows are followed. */
  watch?(on: boolean): void
  /** What a page shows of it; undefined while nobody looks. */
  view?(): JoinView | undefined
}

export interface SavedAtOnce {
  snapshot(): unknown
}

export interface SavedInPieces {
  /**
   * A snapshot of now whose pieces are made while more comes: the state is what it returns at the end. Rows that are held must not
   * be changed by anybody meanwhile.
   */
  beginSnapshot(): Generator<undefined, unknown>
}

export type TwoInputOperator = WithTwoInputs & (SavedAtOnce | SavedInPieces)

export interface TwoInputState {
  readonly inputs: InputWatermarksState
  readonly mine: unknown
}

/** Collects the rows one batch gives; `take` empties it. */
export interface Output {
  /** Watermark of the output before the rows added next. */
  beforeMs: number
  take(watermarkMs: number): Batch
}

export abstract class TwoSides implements WithTwoInputs {
  protected readonly inputs = new InputWatermarks(2)
  protected readonly context: StageContext
  /** Rows are followed through it only while somebody looks. */
  protected lanes: JoinLanes | undefined
  private readonly output: Output

  constructor(context: StageContext, output: Output) {
    this.context = context
    this.output = output
  }

  onInput(side: Side, batch: Batch): Batch {
    const { inputs } = this
    if (batch.count > 0) this.onRows(side, batch)
    this.tell(side, batch.watermarkMs)
    if (batch.resumed === true) inputs.resume(side)
    // After its rows: the record that ends the idleness is judged before it takes part in the time.
    this.setIdle(side, batch.idle === true)
    const out = this.output.take(this.delayed(inputs.watermarkMs))
    if (batch.resumed === true) return { ...out, resumed: true }
    return inputs.allIdle ? { ...out, idle: true } : out
  }

  restore(state: unknown): void {
    const { inputs, mine } = state as TwoInputState
    this.inputs.restore(inputs)
    this.load(mine)
    this.output.beforeMs = this.delayed(this.inputs.watermarkMs)
    if (this.lanes === undefined) return
    this.watch(false)
    this.watch(true)
  }

  view(): JoinView | undefined {
    return this.lanes?.view(this.heldCounts())
  }

  abstract watch(on: boolean): void
  abstract stateBytes(): number

  /** How many rows of each side are held. */
  protected abstract heldCounts(): readonly [number, number]

  /** Rows of one side, which tells the watermark before each. */
  protected abstract onRows(side: Side, batch: Batch): void
  /** The watermark rose to `watermarkMs`; rows given now come before it. */
  protected abstract advance(watermarkMs: number): void
  protected abstract load(state: unknown): void

  /** Watermark of the output for one of the inputs: rows given later may be older than the inputs' rows. */
  protected delayed(watermarkMs: number): number {
    return watermarkMs
  }

  /** The watermark of one side, which may raise that of both. */
  protected tell(side: Side, watermarkMs: number): void {
    const reached = this.inputs.watermarkMs
    this.inputs.tell(side, watermarkMs)
    this.moved(reached)
  }

  private setIdle(side: Side, idle: boolean): void {
    const reached = this.inputs.watermarkMs
    this.inputs.setIdle(side, idle)
    this.moved(reached)
  }

  private moved(reached: number): void {
    const { watermarkMs } = this.inputs
    if (watermarkMs <= reached) return
    this.advance(watermarkMs)
    this.output.beforeMs = this.delayed(watermarkMs)
  }
}
