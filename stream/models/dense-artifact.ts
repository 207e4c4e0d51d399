/** A stack of dense layers as a Keras model: what a training of our own gives. */
import type { ModelArtifact, ModelMetadata, WeightSpec } from './artifact.ts'
import type { DenseLayer } from './topology.ts'

export function denseArtifact(name: string, stack: readonly DenseLayer[], metadata: ModelMetadata): ModelArtifact {
  const specs: WeightSpec[] = []
  const parts: Uint8Array[] = []
  const add = (spec: WeightSpec, values: Float32Array) => {
    specs.push(spec)
    parts.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
  }
  const layers = stack.map((layer, l) => {
    const layerName = `dense_${l + 1}`
    add({ name: `${layerName}/kernel`, shape: [layer.inputs, layer.units], dtype: 'float32' }, layer.kernel)
    add({ name: `${layerName}/bias`, shape: [layer.units], dtype: 'float32' }, layer.bias)
    return {
      class_name: 'Dense',
      config: {
        name: layerName,
        trainable: true,
        dtype: 'float32',
        ...(l === 0 ? { batch_input_shape: [null, layer.inputs] } : {}),
        units: layer.units,
        activation: layer.activation,
        use_bias: true,
      },
    }
  })
  const weights = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    weights.set(part, at)
    at += part.length
  }
  return {
    ...metadata,
    name,
    version: 1,
    format: 'layers',
    topology: {
      keras_version: '2.15.0',
      backend: 'tensorflow',
      model_config: { class_name: 'Sequential', config: { name: 'sequential', layers } },
    },
    weightSpecs: specs,
    weights,
    notices: [],
  }
}
