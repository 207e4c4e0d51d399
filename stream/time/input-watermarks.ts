/**
 * The watermark of an operator with several inputs: the minimum over those that take part, with their running values. An idle
 * input is left out until its next record, and counts again once its own watermark has reached the one given out.
 */
import { SourceWatermark } from './watermark.ts'
import type { WatermarkState } from './watermark.ts'

export interface InputWatermarksState {
  readonly inputs: WatermarkState
  readonly own: readonly number[]
  readonly idle: readonly boolean[]
  readonly ended: readonly boolean[]
}

export class InputWatermarks {
  /** Inputs are to an operator what partitions are to a source. */
  private readonly inputs: SourceWatermark
  private own: number[]
  private isIdle: boolean[]
  private ended: boolean[]

  constructor(count: number) {
    this.inputs = new SourceWatermark(count, undefined)
    this.own = new Array<number>(count).fill(-Infinity)
    this.isIdle = new Array<boolean>(count).fill(false)
    this.ended = new Array<boolean>(count).fill(false)
  }

  get watermarkMs(): number {
    return this.inputs.watermarkMs
  }

  get allIdle(): boolean {
    return this.isIdle.every((idle, i) => idle || this.ended[i] === true) && this.isIdle.includes(true)
  }

  /** The watermark stands still until this input goes on, whatever the others say. */
  isHeldBy(input: number): boolean {
    return this.inputs.isHeldBy(input)
  }

  /** How far the watermark goes when this input alone goes on; undefined when it takes no part. */
  ceilingOver(input: number): number | undefined {
    return this.inputs.ceilingOver(input)
  }

  /** The running watermark of one input; infinity is its end. */
  tell(input: number, watermarkMs: number): void {
    if (watermarkMs <= (this.own[input] as number)) return
    this.own[input] = watermarkMs
    if (watermarkMs === Infinity) {
      this.ended[input] = true
      if (this.ended.every(Boolean)) return this.inputs.end()
    }
    this.inputs.tell(watermarkMs, input)
  }

  /** Whether the input takes part, as its newest batch says. */
  setIdle(input: number, idle: boolean): void {
    if (idle === this.isIdle[input] || this.ended[input] === true) return
    this.isIdle[input] = idle
    if (idle) this.inputs.idle(input)
    else this.inputs.record(input, -Infinity)
  }

  /** The input goes on after a restore: it holds the watermark until it is idle again. */
  resume(input: number): void {
    if (this.ended[input] === true) return
    this.isIdle[input] = false
    this.inputs.wake(input)
  }

  snapshot(): InputWatermarksState {
    return {
      inputs: this.inputs.snapshot(),
      own: this.own.slice(),
      idle: this.isIdle.slice(),
      ended: this.ended.slice(),
    }
  }

  restore(state: InputWatermarksState): void {
    this.inputs.restore(state.inputs)
    this.own = state.own.slice()
    this.isIdle = state.idle.slice()
    this.ended = state.ended.slice()
  }
}
