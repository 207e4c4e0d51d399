/** Random numbers whose state is one number: the same seed gives the same detector on every machine. */
import { draw } from '../log/random.ts'

export class SeededRandom {
  private readonly seed: number
  private drawn = 0

  constructor(seed: number) {
    this.seed = seed
  }

  /** In [0, 1). */
  next(): number {
    return draw(this.seed, 0x5c0e, this.drawn++, 0)
  }

  /** What `next` will give. */
  peek(): number {
    return draw(this.seed, 0x5c0e, this.drawn, 0)
  }

  /** A whole number in [0, n). */
  below(n: number): number {
    return Math.floor(this.next() * n)
  }

  /** Roughly normal. */
  bell(): number {
    return (this.next() + this.next() + this.next() + this.next() - 2) * 1.7320508075688772
  }
}
