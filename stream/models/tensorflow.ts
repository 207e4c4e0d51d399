/** TensorFlow.js in a thread of its own: the packages, the backend, and the few types of it that are used here. */
import { requireOptional, tensorflowInstall } from './packages.ts'

export interface Tensor {
  readonly shape: readonly number[]
  dataSync(): Float32Array
  dispose(): void
}

export interface TensorflowModel {
  readonly inputs: readonly { readonly shape?: readonly (number | null)[] | undefined; readonly name: string }[]
  readonly outputs: readonly { readonly shape?: readonly (number | null)[] | undefined }[]
  predict(input: Tensor): Tensor | Tensor[] | Readonly<Record<string, Tensor>>
  predictOnBatch?(input: Tensor): Tensor | Tensor[]
  dispose(): void
}

export interface Tensorflow {
  env(): { set(flag: string, value: boolean): void }
  setBackend(name: string): Promise<boolean>
  ready(): Promise<void>
  getBackend(): string
  memory(): { readonly numTensors: number; readonly numBytes: number }
  tensor(values: Float32Array, shape: readonly number[]): Tensor
  tidy<T>(f: () => T): T
  readonly io: { fromMemory(artifacts: unknown): unknown }
}

export interface Layers {
  loadLayersModel(source: unknown): Promise<TensorflowModel>
}

export interface Converter {
  loadGraphModel(source: unknown): Promise<TensorflowModel>
}

export interface LoadedTensorflow {
  readonly tf: Tensorflow
  readonly layers: Layers
  /** Loads what opens graph models: most models are none. */
  converter(): Converter
  /** Loads the plain backend: most models never run on it. */
  cpu(): void
  /** Why wasm is not used, when it is not. */
  notice: string | undefined
}

/** Loads the packages and starts the wasm backend; cpu, with the reason, when it does not start. */
export async function loadTensorflow(
  from: string | undefined,
  backend: 'wasm' | 'cpu' = 'wasm',
): Promise<LoadedTensorflow> {
  const load = (name: string) =>
    requireOptional([`@tensorflow/${name}`], from, 'run a TensorFlow.js model', tensorflowInstall)
  const tf = load('tfjs-core') as Tensorflow
  // Before the first tensor: else the cpu backend prints an advertisement.
  tf.env().set('PROD', true)
  const layers = load('tfjs-layers') as Layers
  const loaded: LoadedTensorflow = {
    tf,
    layers,
    converter: () => load('tfjs-converter') as Converter,
    cpu: () => void load('tfjs-backend-cpu'),
    notice: undefined,
  }
  if (backend === 'cpu') {
    loaded.cpu()
    await tf.setBackend('cpu')
    await tf.ready()
    return loaded
  }
  try {
    load('tfjs-backend-wasm')
    if (!(await tf.setBackend('wasm'))) throw new Error('it did not start')
    await tf.ready()
  } catch (error) {
    await useCpu(loaded, `the wasm backend cannot be used (${firstLine(error)})`)
  }
  return loaded
}

export async function useCpu(loaded: LoadedTensorflow, why: string): Promise<void> {
  loaded.cpu()
  await loaded.tf.setBackend('cpu')
  await loaded.tf.ready()
  loaded.notice = `TensorFlow.js runs on its cpu backend, which is slower: ${why}`
}

/** `Kernel 'X' not registered for backend 'wasm'` → `X`. */
export function missingKernel(error: unknown): string | undefined {
  return /Kernel '([^']+)' not registered/.exec(String((error as Error).message))?.[1]
}

export function firstLine(error: unknown): string {
  return String((error as Error).message ?? error).split('\n')[0] ?? ''
}
