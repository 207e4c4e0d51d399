/**
 * Spectral residual of the last 64 values: what is left of the spectrum after its smooth part shows where a series is unlike itself.
 *
 * Source: Ren et al., "Time-series anomaly detection service at Microsoft" (2019). The end of the window is continued by its
 * slope, as there, from past values only.
 */
import type { Series } from '../detector.ts'
import { Ring, RollingMoments } from '../rolling.ts'

const size = 64
const continued = 5
const smooth = 3

export class SpectralResidual implements Series {
  private readonly past = new Ring(size - continued - 1)
  private readonly saliences = new RollingMoments(500)
  /** Learning a row scores it first: the saliency is kept for it. */
  private lastX = NaN
  private lastSaliency = 0

  score(x: number): number {
    if (this.saliences.length < 20) return 0
    const deviation = this.saliences.deviation()
    const rise = this.saliency(x) - this.saliences.mean()
    return deviation > 0 ? Math.max(0, Math.min(1000, rise / deviation)) : 0
  }

  learn(x: number): void {
    if (this.past.full) this.saliences.push(this.saliency(x))
    this.past.push(x)
    this.lastX = NaN
  }

  private saliency(x: number): number {
    if (x === this.lastX) return this.lastSaliency
    const values = [...this.past.toArray(), x]
    const n = values.length
    let slope = 0
    for (let i = 1; i <= continued; i++) slope += (values[n - 1 - i]! - values[n - 2 - i]!) / continued
    // The next value as the slope before x says, several times: x must not lie at the edge.
    const next = values[n - 1 - continued]! + slope * continued
    for (let i = 0; i < continued; i++) values.push(next)
    this.lastX = x
    return (this.lastSaliency = saliencyAt(values, n - 1))
  }
}

function saliencyAt(values: readonly number[], at: number): number {
  const mean = values.reduce((sum, v) => sum + v, 0) / size
  const re = new Float64Array(size)
  const im = new Float64Array(size)
  const logs = new Float64Array(size)
  for (let k = 0; k < size; k++) {
    for (let i = 0; i < size; i++) {
      re[k]! += (values[i]! - mean) * cosines[(k * i) % size]!
      im[k]! -= (values[i]! - mean) * sines[(k * i) % size]!
    }
    logs[k] = Math.log(Math.hypot(re[k]!, im[k]!) + 1e-8)
  }
  let backRe = 0
  let backIm = 0
  for (let k = 0; k < size; k++) {
    let average = 0
    for (let j = 0; j < smooth; j++) average += logs[(k - 1 + j + size) % size]! / smooth
    // Phase kept, magnitude replaced by the residual: one point of the way back is enough.
    const factor = Math.exp(logs[k]! - average) / (Math.hypot(re[k]!, im[k]!) + 1e-8)
    const [c, s] = [cosines[(k * at) % size]!, sines[(k * at) % size]!]
    backRe += factor * (re[k]! * c - im[k]! * s)
    backIm += factor * (re[k]! * s + im[k]! * c)
  }
  return Math.hypot(backRe, backIm) / size
}

const cosines = Float64Array.from({ length: size }, (_, i) => Math.cos((2 * Math.PI * i) / size))
const sines = Float64Array.from({ length: size }, (_, i) => Math.sin((2 * Math.PI * i) / size))
