/**
 * Keras 3 writes what TensorFlow.js 4 cannot read: `batch_shape`, policies as objects, call arguments as objects, weights below the
 * name of the model. Here it is turned into what Keras 2 wrote. Trained values are not touched.
 *
 * Source: tensorflow/tfjs issues 8494, 8489, 8358; keras `src/saving/serialization_lib.py`.
 */
import type { WeightSpec } from './artifact.ts'

type Json = Readonly<Record<string, unknown>>

/** True when the topology has marks of Keras 3. */
export function writtenByKeras3(topology: unknown): boolean {
  const text = JSON.stringify(topology)
  return /"keras_version":"3|"batch_shape":|"class_name":"DTypePolicy"|"__keras_tensor__"/.test(text)
}

export function repairTopology(topology: unknown): unknown {
  const repaired = repair(topology) as Json
  const model = (repaired['model_config'] ?? repaired) as Json
  const config = model['config'] as { input_layers?: unknown; output_layers?: unknown } | undefined
  // One input: Keras 3 writes it without the list around.
  if (config !== undefined && typeof config === 'object') {
    for (const name of ['input_layers', 'output_layers'] as const) {
      const ends = config[name]
      if (Array.isArray(ends) && typeof ends[0] === 'string') config[name] = [ends]
    }
  }
  return repaired
}

/** `sequential/dense/kernel` → `dense/kernel`, when `sequential` is no layer. */
export function repairWeights(specs: readonly WeightSpec[], layerNames: ReadonlySet<string>): WeightSpec[] {
  return specs.map(spec => {
    const parts = spec.name.split('/')
    const own = parts.findIndex(part => layerNames.has(part))
    return own > 0 ? { ...spec, name: parts.slice(own).join('/') } : spec
  })
}

function repair(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(repair)
  if (typeof value !== 'object' || value === null) return value
  const json = value as Json
  if (json['class_name'] === 'DTypePolicy')
    return ((json['config'] as Json | undefined)?.['name'] as string | undefined) ?? 'float32'
  const result: Record<string, unknown> = {}
  for (const [name, part] of Object.entries(json)) {
    if (name === 'batch_shape') result['batch_input_shape'] = part
    else if (name === 'inbound_nodes' && Array.isArray(part)) result[name] = part.map(nodeOf)
    else if (!['registered_name', 'module', 'build_config', 'compile_config'].includes(name))
      result[name] = repair(part)
  }
  // An input named by its own layer: Sequential of Keras 2 has it, TensorFlow.js asks for a shape.
  return result
}

/** `{ args: [tensor], kwargs }` → `[[layer, node, tensor, {}], …]`. */
function nodeOf(node: unknown): unknown {
  if (Array.isArray(node) || typeof node !== 'object' || node === null) return node
  const calls: unknown[] = []
  const visit = (value: unknown) => {
    if (Array.isArray(value)) value.forEach(visit)
    else if (typeof value === 'object' && value !== null && (value as Json)['class_name'] === '__keras_tensor__') {
      const history = ((value as Json)['config'] as Json)['keras_history'] as unknown[]
      calls.push([...history, {}])
    }
  }
  visit((node as Json)['args'])
  return calls
}
