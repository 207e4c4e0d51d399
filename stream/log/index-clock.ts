/**
 * When index i of a generated topic happens, and with which seed: evenly at the topic's rate plus a jitter. A change of rate
 * or seed holds from an index on, so indexes already handed out keep their instant. Topics that tell one story (payments of
 * orders) share one clock.
 */
import { draw, saltOf } from './random.ts'

/** What holds from an index on. */
export interface Pace {
  readonly rate: number
  readonly seed: number
  /** Zipf exponent for picking regions, users, machines (own bodies: partitions); 0 is even. */
  readonly skew: number
}

interface Stretch extends Pace {
  readonly fromIndex: number
  readonly originMs: number
}

export class IndexClock {
  readonly #salt: number
  readonly #stretches: Stretch[]

  constructor(topic: string, pace: Pace, originMs: number) {
    this.#salt = saltOf(`${topic}/clock`)
    this.#stretches = [{ ...pace, fromIndex: 0, originMs }]
  }

  /** The pace in force for the newest indexes. */
  get pace(): Pace {
    return this.#stretches[this.#stretches.length - 1]!
  }

  paceOf(index: number): Pace {
    return this.#stretchOf(index)
  }

  /** Epoch ms; grows with the index. */
  atMs(index: number): number {
    const { originMs, fromIndex, rate, seed } = this.#stretchOf(index)
    return originMs + Math.floor(((index - fromIndex + draw(seed, this.#salt, index, 0)) * 1000) / rate)
  }

  /** `pace` holds from `index` on, which happens at `nowMs` or later. */
  change(pace: Pace, index: number, nowMs: number): void {
    this.#stretches.push({ ...pace, fromIndex: index, originMs: Math.max(nowMs, this.atMs(index)) })
  }

  #stretchOf(index: number): Stretch {
    for (let i = this.#stretches.length - 1; i > 0; i--) {
      if (index >= this.#stretches[i]!.fromIndex) return this.#stretches[i]!
    }
    return this.#stretches[0]!
  }
}
