/** All rows of both inputs in the order they are handled, under the watermark of both. */
import type { Batch } from '../../model.ts'
import { InputWatermarks } from '../../time/input-watermarks.ts'
import type { InputWatermarksState } from '../../time/input-watermarks.ts'
import { emptyBatch } from '../operator.ts'
import type { SavedAtOnce, Side, WithTwoInputs } from './two-sides.ts'

export class Union implements WithTwoInputs, SavedAtOnce {
  private readonly inputs = new InputWatermarks(2)

  onInput(side: Side, batch: Batch): Batch {
    const { inputs } = this
    const { count } = batch
    const beforeMs = new Float64Array(count)
    for (let i = 0; i < count; i++) {
      inputs.tell(side, batch.beforeMs[i] as number)
      beforeMs[i] = inputs.watermarkMs
    }
    inputs.tell(side, batch.watermarkMs)
    if (batch.resumed === true) inputs.resume(side)
    inputs.setIdle(side, batch.idle === true)
    const idle = inputs.allIdle ? true : undefined
    if (count === 0) return { ...emptyBatch(inputs.watermarkMs), idle, resumed: batch.resumed }
    return { ...batch, beforeMs, watermarkMs: inputs.watermarkMs, idle }
  }

  snapshot(): InputWatermarksState {
    return this.inputs.snapshot()
  }

  restore(state: unknown): void {
    this.inputs.restore(state as InputWatermarksState)
  }

  stateBytes(): number {
    return 0
  }
}
