/** A linear forecast from the last 20 values that learns by normalised least mean squares; its errors by their likelihood. */
import { Ring } from '../rolling.ts'
import type { Forecaster } from './likelihood.ts'

const order = 20
const rate = 0.1

export class LinearForecast implements Forecaster {
  private readonly past = new Ring(order)
  private readonly weights = new Float64Array(order)

  forecast(): number | undefined {
    if (!this.past.full) return undefined
    const base = this.past.back(0)
    let change = 0
    for (let i = 0; i < order - 1; i++)
      change += (this.weights[i] as number) * (this.past.back(i) - this.past.back(i + 1))
    return base + change
  }

  learn(x: number): void {
    const expected = this.forecast()
    if (expected !== undefined) this.correct(x - expected)
    this.past.push(x)
  }

  private correct(error: number): void {
    let energy = 1e-9
    for (let i = 0; i < order - 1; i++) energy += (this.past.back(i) - this.past.back(i + 1)) ** 2
    for (let i = 0; i < order - 1; i++) {
      this.weights[i]! += (rate * error * (this.past.back(i) - this.past.back(i + 1))) / energy
    }
  }
}
