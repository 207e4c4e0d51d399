/** Writes a model as a folder that TensorFlow.js, its Python package and `model()` read: model.json and weights.bin. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StreamError } from '../errors.ts'
import type { ModelArtifact } from './artifact.ts'
import { pathOf } from './model-files.ts'

/** @throws StreamError MODEL_INVALID for ONNX, OPTION_INVALID when the place is no folder */
export async function writeModel(artifact: ModelArtifact, place: string): Promise<string> {
  const folder = folderOf(artifact.name, place)
  await mkdir(folder, { recursive: true })
  if (artifact.format === 'onnx') {
    await writeFile(join(folder, `${artifact.name}.onnx`), artifact.weights)
    await writeFile(join(folder, 'riffle.json'), JSON.stringify(metadataOf(artifact), null, 1))
    return folder
  }
  await writeFile(join(folder, 'weights.bin'), artifact.weights)
  await writeFile(join(folder, 'model.json'), JSON.stringify(modelJson(artifact), null, 1))
  return folder
}

/** The folder a model is written to, as a path. @throws StreamError OPTION_INVALID when the place is none */
export function folderOf(name: string, place: string): string {
  if (!/^https?:/.test(place) && !/\.(zip|onnx)$/.test(place)) return pathOf(place)
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot save model "${name}" to "${place}": a folder is needed`,
    hint: "await m.save('file:models/NAME')",
  })
}

export function modelJson(artifact: ModelArtifact): object {
  return {
    format: artifact.format === 'graph' ? 'graph-model' : 'layers-model',
    generatedBy: 'riffle',
    convertedBy: null,
    modelTopology: artifact.topology,
    weightsManifest: [{ paths: ['weights.bin'], weights: artifact.weightSpecs }],
    ...(artifact.signature === undefined ? {} : { signature: artifact.signature }),
    userDefinedMetadata: { riffle: metadataOf(artifact) },
  }
}

function metadataOf({ features, target, scaler, threshold, training }: ModelArtifact): object {
  return { features, target, scaler, threshold, training }
}
