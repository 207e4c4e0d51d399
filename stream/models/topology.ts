/** Layers of a Keras topology in their order, and the plain stack of dense layers that many models are. */
import type { ModelArtifact } from './artifact.ts'

export interface LayerConfig {
  readonly className: string
  readonly name: string
  readonly config: Readonly<Record<string, unknown>>
  readonly inbound: readonly string[]
}

export type Activation = 'linear' | 'relu' | 'tanh' | 'sigmoid'
export const activations: readonly Activation[] = ['linear', 'relu', 'tanh', 'sigmoid']

export interface DenseLayer {
  readonly inputs: number
  readonly units: number
  readonly activation: Activation
  /** `inputs` rows of `units` weights, as Keras keeps them. */
  readonly kernel: Float32Array
  readonly bias: Float32Array
}

type Json = Readonly<Record<string, unknown>>

/** Undefined when the topology is of no Keras model. Nested models count as one layer. */
export function layersOf(topology: unknown): LayerConfig[] | undefined {
  const json = topology as Json
  const model = (json['model_config'] ?? json) as Json
  const config = model['config'] as Json | readonly unknown[] | undefined
  const layers = Array.isArray(config) ? (config as readonly unknown[]) : (config as Json | undefined)?.['layers']
  if (!Array.isArray(layers)) return undefined
  return (layers as readonly Json[]).map(layer => {
    const own = (layer['config'] ?? {}) as Json
    return {
      className: String(layer['class_name']),
      name: String(own['name'] ?? layer['name'] ?? ''),
      config: own,
      inbound: inboundOf(layer['inbound_nodes']),
    }
  })
}

function inboundOf(nodes: unknown): string[] {
  if (!Array.isArray(nodes)) return []
  return nodes.flatMap(node =>
    Array.isArray(node) ? node.map(call => (Array.isArray(call) ? String(call[0]) : String(call))) : [],
  )
}

/** The dense layers of a model that is nothing else: no branches, known activations, whole weights. Else undefined. */
export function denseStack(artifact: ModelArtifact): DenseLayer[] | undefined {
  if (artifact.format !== 'layers') return undefined
  const layers = layersOf(artifact.topology)
  if (layers === undefined) return undefined
  const weights = weightsByName(artifact)
  const stack: DenseLayer[] = []
  let before: string | undefined
  for (const layer of layers) {
    if (layer.inbound.length > 1 || (layer.inbound.length === 1 && before !== undefined && layer.inbound[0] !== before))
      return undefined
    before = layer.name
    if (layer.className === 'InputLayer' || layer.className === 'Dropout') continue
    const activation = activationOf(layer.config['activation'])
    if (activation === undefined) return undefined
    if (layer.className === 'Activation') {
      const last = stack.pop()
      if (last?.activation !== 'linear') return undefined
      stack.push({ ...last, activation })
      continue
    }
    if (layer.className !== 'Dense') return undefined
    const dense = denseLayer(layer, activation, weights)
    if (dense === undefined || (stack.length > 0 && stack.at(-1)!.units !== dense.inputs)) return undefined
    stack.push(dense)
  }
  return stack.length === 0 || hasSteps(layers) ? undefined : stack
}

/** A dense layer on sequences works step by step: not a plain stack. */
function hasSteps(layers: readonly LayerConfig[]): boolean {
  const shape = layers.map(l => l.config['batch_input_shape']).find(s => Array.isArray(s)) as unknown[] | undefined
  return shape !== undefined && shape.length !== 2
}

function denseLayer(
  layer: LayerConfig,
  activation: Activation,
  weights: ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float32Array }>,
): DenseLayer | undefined {
  const kernel = weights.get(`${layer.name}/kernel`)
  const [inputs, units] = kernel?.shape ?? []
  if (kernel === undefined || kernel.shape.length !== 2 || inputs === undefined || units === undefined) return undefined
  const bias = weights.get(`${layer.name}/bias`)
  if (bias === undefined && layer.config['use_bias'] !== false) return undefined
  return { inputs, units, activation, kernel: kernel.values, bias: bias?.values ?? new Float32Array(units) }
}

function activationOf(value: unknown): Activation | undefined {
  return value === undefined || value === null ? 'linear' : activations.find(name => name === value)
}

/** Whole float32 weights; a quantised model has none. `a/b/kernel` is found as `b/kernel` too. */
function weightsByName({ weightSpecs, weights }: ModelArtifact) {
  const found = new Map<string, { readonly shape: readonly number[]; readonly values: Float32Array }>()
  let at = 0
  for (const spec of weightSpecs) {
    if (spec.dtype !== 'float32' || spec.quantization !== undefined) return found
    const count = spec.shape.reduce((product, n) => product * n, 1)
    const values = new Float32Array(weights.slice(at, at + 4 * count).buffer)
    found.set(spec.name, { shape: spec.shape, values })
    const tail = spec.name.split('/').slice(-2).join('/')
    if (!found.has(tail)) found.set(tail, { shape: spec.shape, values })
    at += 4 * count
  }
  return found
}
