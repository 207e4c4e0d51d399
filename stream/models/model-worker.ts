/**
 * Entry of a thread with one model of TensorFlow.js or ONNX. Its owner waits for each answer on a shared flag, so that asynchronous
 * engines fit into a pipeline whose steps are not: the same rows give the same scores however they are cut.
 *
 *   owner: rows into `input`, a numbered call ─▶ here: predict, numbers into `output`, cell = number ─▶ owner goes on
 */
import { receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { StreamError } from '../errors.ts'
import type { ModelArtifact } from './artifact.ts'
import { CELLS } from './worker-protocol.ts'
import type { Answer, Ask, NumberedAsk, WorkerSettings } from './worker-protocol.ts'
import { openOnnx } from './onnx.ts'
import { openTensorflow } from './tensorflow-model.ts'

/** A model inside the thread. */
export interface HostedModel {
  readonly engine: string
  readonly inputs: number
  readonly steps: number
  readonly outputs: number
  readonly notices: readonly string[]
  /** `predict` gives numbers, never a promise. */
  readonly atOnce: boolean
  predict(rows: Float32Array, count: number): Float32Array | Promise<Float32Array>
  tensorCount?(): number
}

const { cells, port, artifact, backend } = workerData as WorkerSettings
let model: HostedModel | undefined
let input: Float32Array = new Float32Array(0)
let output: Float32Array = new Float32Array(0)

async function answer(ask: Ask): Promise<Answer> {
  try {
    if (ask.type === 'open') {
      model = await open(artifact)
      const { engine, inputs, steps, outputs, notices, atOnce } = model
      return { type: 'opened', engine, inputs, steps, outputs, notices, atOnce, tensorCount: model.tensorCount?.() }
    }
    if (ask.type === 'buffers') {
      take(ask)
      return { type: 'done', tensorCount: undefined }
    }
    if (model === undefined) throw new Error('no model is open')
    output.set(await model.predict(input.subarray(0, ask.count * model.inputs * model.steps), ask.count))
    return { type: 'done', tensorCount: model.tensorCount?.() }
  } catch (error) {
    return failed(error)
  }
}

function take(ask: Extract<Ask, { type: 'buffers' }>): void {
  input = new Float32Array(ask.input)
  output = new Float32Array(ask.output)
}

function failed(error: unknown): Answer {
  const parts =
    error instanceof StreamError
      ? error.toJSON()
      : {
          code: 'MODEL_FAILED' as const,
          message: `Cannot score with model "${artifact.name}": ${(error as Error).message}`,
        }
  return { type: 'failed', error: parts }
}

/** Answers calls through the cells until the thread is ended; between calls it sleeps on a cell. */
function serve(hosted: HostedModel): never {
  const width = hosted.inputs * hosted.steps
  for (let call = 1; ; call = (call + 1) | 0) {
    while (Atomics.load(cells, CELLS.asked) !== call) Atomics.wait(cells, CELLS.asked, (call - 1) | 0)
    cells[CELLS.failed] = 0
    try {
      const count = cells[CELLS.count]!
      if (count === 0) {
        const { ask } = receiveMessageOnPort(port)!.message as NumberedAsk
        if (ask.type === 'buffers') take(ask)
      } else {
        output.set(hosted.predict(input.subarray(0, count * width), count) as Float32Array)
        cells[CELLS.tensors] = hosted.tensorCount?.() ?? -1
      }
    } catch (error) {
      port.postMessage(failed(error))
      cells[CELLS.failed] = 1
    }
    Atomics.store(cells, CELLS.answered, call)
    Atomics.notify(cells, CELLS.answered)
  }
}

function open(of: ModelArtifact): Promise<HostedModel> {
  return of.format === 'onnx' ? openOnnx(of) : openTensorflow(of, backend)
}

const from: MessagePort = port
from.on('message', ({ call, ask }: NumberedAsk) => {
  void answer(ask).then(reply => {
    from.postMessage(reply)
    if (call === 0) {
      if (model?.atOnce === true) serve(model)
      return
    }
    Atomics.store(cells, CELLS.answered, call)
    Atomics.notify(cells, CELLS.answered)
  })
})
