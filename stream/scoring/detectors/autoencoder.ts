/**
 * An autoencoder that squeezes rows through half and a quarter of their width and scores what it cannot give back. Trained once on the
 * warm-up: 20 epochs of Adam over batches of 32, tanh inside, linear outside.
 */
import { Detector, shares } from '../detector.ts'
import type { DetectorOptions } from '../detector.ts'
import { SeededRandom } from '../random.ts'
import { DenseNet } from './dense-net.ts'
import { Scaler } from './scaler.ts'

const epochs = 20
/** One spike is not a state. */
const most = 100

export class Autoencoder extends Detector {
  private readonly warmUp: number
  private readonly seed: number
  private readonly scaler: Scaler
  private readonly net: DenseNet
  private training: (readonly number[])[] = []
  private ready = false

  constructor(options: DetectorOptions) {
    super()
    this.warmUp = options.warmUp
    this.seed = options.seed
    this.scaler = new Scaler(options.features)
    const n = options.features
    const [half, quarter] = [Math.max(1, Math.ceil(n / 2)), Math.max(1, Math.ceil(n / 4))]
    this.net = new DenseNet([n, half, quarter, half, n], new SeededRandom(options.seed))
  }

  /** Mean squared error in squared deviations. */
  override scoreOne(row: readonly number[]): number {
    if (!this.ready) return 0
    const errors = this.errors(row)
    return Math.min(most, errors.reduce((sum, e) => sum + e, 0) / errors.length)
  }

  override learnOne(row: readonly number[]): void {
    if (this.ready) return
    this.scaler.learn(row)
    this.training.push(row)
    if (this.training.length >= this.warmUp) this.fit()
  }

  override causes(row: readonly number[]): readonly number[] {
    return this.ready ? shares(this.errors(row)) : row.map(() => 0)
  }

  private errors(row: readonly number[]): number[] {
    const z = this.scaler.scale(row)
    const output = this.net.forward(z)
    return z.map((v, f) => (v - output[f]!) ** 2)
  }

  private fit(): void {
    const rows = this.training.map(row => this.scaler.scale(row))
    const random = new SeededRandom(this.seed + 1)
    for (let epoch = 0; epoch < epochs; epoch++) {
      for (let i = rows.length - 1; i > 0; i--) {
        const j = random.below(i + 1)
        const row = rows[i]!
        rows[i] = rows[j]!
        rows[j] = row
      }
      for (let i = 0; i < rows.length; i += 32) this.net.train(rows.slice(i, i + 32))
    }
    this.training = []
    this.ready = true
  }
}
