/** A small dense network in plain loops: at this size a call into a tensor library costs a hundred times the arithmetic. */
import type { SeededRandom } from '../random.ts'

const rate = 2e-3

export class DenseNet {
  private readonly sizes: readonly number[]
  /** Per layer: `out` rows of `in` weights and one bias. */
  private readonly weights: Float64Array[]
  private readonly firsts: Float64Array[]
  private readonly seconds: Float64Array[]
  private steps = 0

  constructor(sizes: readonly number[], random: SeededRandom) {
    this.sizes = sizes
    this.weights = sizes.slice(1).map((out, l) => {
      const inputs = sizes[l] as number
      const spread = Math.sqrt(6 / (inputs + out))
      const layer = new Float64Array(out * (inputs + 1))
      // Glorot; biases, last of each row, start at 0.
      for (let i = 0; i < layer.length; i++) if (i % (inputs + 1) < inputs) layer[i] = (2 * random.next() - 1) * spread
      return layer
    })
    this.firsts = this.weights.map(w => new Float64Array(w.length))
    this.seconds = this.weights.map(w => new Float64Array(w.length))
  }

  forward(input: ArrayLike<number>): Float64Array {
    return this.layersOf(input).at(-1) as Float64Array
  }

  /** One step of Adam on the mean squared error of giving the rows back. */
  train(rows: readonly (readonly number[])[]): void {
    const gradients = this.weights.map(w => new Float64Array(w.length))
    for (const row of rows) this.addGradient(row, gradients, rows.length)
    this.steps++
    const [fix1, fix2] = [1 - 0.9 ** this.steps, 1 - 0.999 ** this.steps]
    this.weights.forEach((w, l) => {
      const [g, m, v] = [gradients[l]!, this.firsts[l]!, this.seconds[l]!]
      for (let i = 0; i < w.length; i++) {
        m[i] = 0.9 * m[i]! + 0.1 * g[i]!
        v[i] = 0.999 * v[i]! + 0.001 * g[i]! * g[i]!
        w[i]! -= (rate * (m[i]! / fix1)) / (Math.sqrt(v[i]! / fix2) + 1e-7)
      }
    })
  }

  private layersOf(input: ArrayLike<number>): Float64Array[] {
    const layers = [Float64Array.from(input)]
    this.weights.forEach((w, l) => {
      const [from, inputs, outputs] = [layers[l]!, this.sizes[l]!, this.sizes[l + 1]!]
      const to = new Float64Array(outputs)
      for (let o = 0; o < outputs; o++) {
        const base = o * (inputs + 1)
        let sum = w[base + inputs]!
        for (let i = 0; i < inputs; i++) sum += w[base + i]! * from[i]!
        to[o] = l === this.weights.length - 1 ? sum : Math.tanh(sum)
      }
      layers.push(to)
    })
    return layers
  }

  private addGradient(row: readonly number[], gradients: readonly Float64Array[], batch: number): void {
    const layers = this.layersOf(row)
    let delta = Float64Array.from(layers.at(-1)!, (y, o) => (2 * (y - row[o]!)) / row.length / batch)
    for (let l = this.weights.length - 1; l >= 0; l--) {
      const [from, w, g] = [layers[l]!, this.weights[l]!, gradients[l]!]
      const inputs = this.sizes[l]!
      const below = new Float64Array(inputs)
      for (let o = 0; o < delta.length; o++) {
        const base = o * (inputs + 1)
        g[base + inputs]! += delta[o]!
        for (let i = 0; i < inputs; i++) {
          g[base + i]! += delta[o]! * from[i]!
          below[i]! += delta[o]! * w[base + i]!
        }
      }
      delta = below.map((d, i) => d * (1 - from[i]! * from[i]!))
    }
  }
}
