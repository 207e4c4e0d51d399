/**
 * A stack of dense layers as code of its own: weights are literals, a row is straight-line arithmetic without a loop or a call.
 * Above a few thousand weights such a text is slower than loops over packed weights, which stand below.
 */
import type { Activation, DenseLayer } from './topology.ts'
import type { Predictor } from './predictor.ts'

const mostLiterals = 4096

type Kernel = (rows: Float32Array, count: number, out: Float32Array) => void

export class DensePredictor implements Predictor {
  readonly engine = 'compiled'
  readonly inputs: number
  readonly steps = 1
  readonly outputs: number
  readonly notices: readonly string[]
  private readonly kernel: Kernel
  private out = new Float32Array(0)

  constructor(stack: readonly DenseLayer[], notices: readonly string[] = []) {
    this.inputs = stack[0]!.inputs
    this.outputs = stack.at(-1)!.units
    this.notices = notices
    const weights = stack.reduce((sum, layer) => sum + layer.kernel.length, 0)
    this.kernel = weights <= mostLiterals ? straightLine(stack) : packedLoops(stack)
  }

  predict(rows: Float32Array, count: number): Float32Array {
    if (this.out.length < count * this.outputs) this.out = new Float32Array(count * this.outputs)
    this.kernel(rows, count, this.out)
    return this.out
  }

  close(): void {}
}

const applied: Readonly<Record<Activation, (sum: string) => string>> = {
  linear: sum => sum,
  relu: sum => `Math.max(0, ${sum})`,
  tanh: sum => `Math.tanh(${sum})`,
  sigmoid: sum => `1 / (1 + Math.exp(-(${sum})))`,
}

function straightLine(stack: readonly DenseLayer[]): Kernel {
  const inputs = stack[0]!.inputs
  const outputs = stack.at(-1)!.units
  const lines = Array.from({ length: inputs }, (_, i) => `const a0_${i} = rows[at + ${i}]`)
  stack.forEach((layer, l) => {
    for (let u = 0; u < layer.units; u++) {
      const terms = Array.from(
        { length: layer.inputs },
        (_, i) => `${literal(layer.kernel[i * layer.units + u]!)} * a${l}_${i}`,
      )
      const sum = [literal(layer.bias[u]!), ...terms].join(' + ')
      lines.push(`const a${l + 1}_${u} = ${applied[layer.activation](sum)}`)
    }
  })
  for (let o = 0; o < outputs; o++) lines.push(`out[to + ${o}] = a${stack.length}_${o}`)
  const body = `for (let r = 0, at = 0, to = 0; r < count; r++, at += ${inputs}, to += ${outputs}) {\n${lines.join('\n')}\n}`
  // Numbers and names of our own are all the text holds.
  return new Function('rows', 'count', 'out', body) as Kernel
}

function literal(weight: number): string {
  return weight < 0 ? `(${weight})` : String(weight)
}

const functions: Readonly<Record<Activation, (x: number) => number>> = {
  linear: x => x,
  relu: x => Math.max(0, x),
  tanh: Math.tanh,
  sigmoid: x => 1 / (1 + Math.exp(-x)),
}

function packedLoops(stack: readonly DenseLayer[]): Kernel {
  // A row of weights per unit, the bias last: the inner loop walks one array.
  const layers = stack.map(({ inputs, units, kernel, bias, activation }) => {
    const packed = new Float64Array(units * (inputs + 1))
    for (let u = 0; u < units; u++) {
      for (let i = 0; i < inputs; i++) packed[u * (inputs + 1) + i] = kernel[i * units + u]!
      packed[u * (inputs + 1) + inputs] = bias[u]!
    }
    return { inputs, units, packed, f: functions[activation], values: new Float64Array(units) }
  })
  const first = new Float64Array(stack[0]!.inputs)
  return (rows, count, out) => {
    for (let r = 0; r < count; r++) {
      for (let i = 0; i < first.length; i++) first[i] = rows[r * first.length + i]!
      let from = first
      for (const { inputs, units, packed, f, values } of layers) {
        for (let u = 0, w = 0; u < units; u++) {
          let sum = 0
          for (let i = 0; i < inputs; i++) sum += packed[w++]! * from[i]!
          values[u] = f(sum + packed[w++]!)
        }
        from = values
      }
      out.set(from, r * from.length)
    }
  }
}
