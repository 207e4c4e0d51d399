/** Gives a detector of vectors the last values of a series as one vector; rows of several features stay as they are. */
import { Detector } from '../detector.ts'
import type { DetectorOptions } from '../detector.ts'
import { Ring } from '../rolling.ts'

export class Shingled extends Detector {
  private readonly past: Ring
  private readonly inner: Detector

  constructor(length: number, options: DetectorOptions, make: (options: DetectorOptions) => Detector) {
    super()
    this.past = new Ring(length - 1)
    // The first rows fill the shingle, so the inner detector sees fewer.
    this.inner = make({ ...options, features: length, warmUp: Math.max(1, options.warmUp - length + 1) })
  }

  override scoreOne(row: readonly number[]): number {
    return this.past.full ? this.inner.scoreOne([...this.past.toArray(), row[0] as number]) : 0
  }

  override learnOne(row: readonly number[]): void {
    if (this.past.full) this.inner.learnOne([...this.past.toArray(), row[0] as number])
    this.past.push(row[0] as number)
  }
}

export function shingledIfOne(
  length: number,
  options: DetectorOptions,
  make: (options: DetectorOptions) => Detector,
): Detector {
  return options.features === 1 ? new Shingled(length, options, make) : make(options)
}
