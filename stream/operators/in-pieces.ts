/**
 * What windows over rows and windows over columns share: the work of one batch is a generator that pauses inside long firings, and
 * every piece is given out with a watermark that no later piece comes behind.
 */
import type { Batch } from '../model.ts'

type Steps = Generator<undefined, void>

export abstract class InPieces {
  /** Watermark given out last. */
  protected givenMs = -Infinity
  /** What is left of the batch at work, and the watermark after it. */
  private steps: Steps | undefined
  private aimMs = -Infinity

  onBatch(batch: Batch): Batch {
    return this.begin(this.handle(batch), batch.watermarkMs)
  }

  onWatermark(watermarkMs: number): Batch {
    return this.begin(this.raise(watermarkMs), watermarkMs)
  }

  onEnd(): Batch {
    return this.onWatermark(Infinity)
  }

  get unfinished(): boolean {
    return this.steps !== undefined
  }

  goOn(): Batch {
    if (this.steps?.next().done === false) return this.take(this.pausedMs())
    this.steps = undefined
    return this.take(this.aimMs)
  }

  protected abstract handle(batch: Batch): Steps

  protected abstract raise(watermarkMs: number): Steps

  /** The rows made since, with the watermark behind them. */
  protected abstract take(watermarkMs: number): Batch

  /** Between two pieces the watermark is what it was before the next row. */
  protected pausedMs(): number {
    return this.givenMs
  }

  private begin(steps: Steps, watermarkMs: number): Batch {
    this.steps = steps
    this.aimMs = watermarkMs
    return this.goOn()
  }
}
