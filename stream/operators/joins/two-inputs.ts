/**
 * What all operators with two inputs share: rows of both sides in the order they are handled, and one watermark, the minimum of
 * both. What is decided about a row depends only on rows and watermarks before it, so batches may be cut anywhere.
 *
 *   row of a side ─▶ watermark before it ─▶ advance(W): pads, firings, expiry ─▶ late? ─▶ onRow
 */
import type { Batch } from '../../model.ts'
import { InputWatermarks } from '../../time/input-watermarks.ts'
import type { InputWatermarksState } from '../../time/input-watermarks.ts'
import type { StageContext } from '../operator.ts'

/** 0 is left. */
export type Side = 0 | 1

export interface TwoInputOperator {
  /** Rows of one side, then its watermark; an empty batch is a watermark alone, infinity the end of the side. */
  onInput(side: Side, batch: Batch): Batch
  snapshot(): unknown
  restore(state: unknown): void
  stateBytes(): number
}

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

export abstract class TwoInputs implements TwoInputOperator {
  protected readonly inputs = new InputWatermarks(2)
  protected readonly context: StageContext
  private readonly output: Output

  constructor(context: StageContext, output: Output) {
    this.context = context
    this.output = output
  }

  onInput(side: Side, batch: Batch): Batch {
    const { count, beforeMs } = batch
    const { inputs } = this
    let last = NaN
    for (let i = 0; i < count; i++) {
      const before = beforeMs[i] as number
      if (before !== last) {
        last = before
        const reached = inputs.watermarkMs
        inputs.tell(side, before)
        if (inputs.watermarkMs > reached) this.moveTo(inputs.watermarkMs)
      }
      if (batch.weights?.[i] === -1 && !this.takesBack(side)) {
        this.context.refuse(batch, i, 'this join cannot take back a row that was retracted; a join with ttl can')
      } else this.onRow(side, batch, i)
    }
    this.reach(() => inputs.tell(side, batch.watermarkMs))
    // After its rows: the record that ends the idleness is judged before it takes part in the time.
    this.reach(() => inputs.setIdle(side, batch.idle === true))
    const out = this.output.take(this.delayed(inputs.watermarkMs))
    return inputs.allIdle ? { ...out, idle: true } : out
  }

  snapshot(): TwoInputState {
    return { inputs: this.inputs.snapshot(), mine: this.save() }
  }

  restore(state: unknown): void {
    const { inputs, mine } = state as TwoInputState
    this.inputs.restore(inputs)
    this.load(mine)
    this.output.beforeMs = this.delayed(this.inputs.watermarkMs)
  }

  abstract stateBytes(): number

  protected abstract onRow(side: Side, batch: Batch, i: number): void
  /** The watermark rose to `watermarkMs`; rows given now come before it. */
  protected abstract advance(watermarkMs: number): void
  protected abstract save(): unknown
  protected abstract load(state: unknown): void

  /** Whether a retraction of a row of this side may come. */
  protected takesBack(_side: Side): boolean {
    return false
  }

  /** Watermark of the output for one of the inputs: rows given later may be older than the inputs' rows. */
  protected delayed(watermarkMs: number): number {
    return watermarkMs
  }

  private reach(change: () => void): void {
    const reached = this.inputs.watermarkMs
    change()
    if (this.inputs.watermarkMs > reached) this.moveTo(this.inputs.watermarkMs)
  }

  private moveTo(watermarkMs: number): void {
    this.advance(watermarkMs)
    this.output.beforeMs = this.delayed(watermarkMs)
  }
}
