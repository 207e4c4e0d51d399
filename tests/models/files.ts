/** Model files written by hand for the tests: known weights, known sums. Imports nothing from `stream/`. */
import { mkdtempSync, mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from './crc32.ts'

export function scratch(): string {
  return mkdtempSync(join(tmpdir(), 'riffle-model-'))
}

export type Files = Readonly<Record<string, string | Uint8Array>>

export function folderOf(files: Files): string {
  const folder = join(scratch(), 'sum')
  mkdirSync(folder)
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return folder
}

const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer)

/** 2 a + 3 b + 1 */
export const sumWeights = floats(2, 3, 1)

/** As the Python converter of Keras 2 writes it. */
export const sumModel: Files = {
  'model.json': JSON.stringify({
    format: 'layers-model',
    modelTopology: {
      keras_version: '2.15.0',
      backend: 'tensorflow',
      model_config: {
        class_name: 'Sequential',
        config: {
          name: 'sequential',
          layers: [
            {
              class_name: 'Dense',
              config: { name: 'dense', batch_input_shape: [null, 2], units: 1, activation: 'linear', use_bias: true },
            },
          ],
        },
      },
    },
    weightsManifest: [
      {
        paths: ['group1-shard1of1.bin'],
        weights: [
          { name: 'dense/kernel', shape: [2, 1], dtype: 'float32' },
          { name: 'dense/bias', shape: [1], dtype: 'float32' },
        ],
      },
    ],
  }),
  'group1-shard1of1.bin': sumWeights,
}

const policy = { module: 'keras', class_name: 'DTypePolicy', config: { name: 'float32' }, registered_name: null }
const tensor = (name: string, width: number) => ({
  class_name: '__keras_tensor__',
  config: { shape: [null, width], dtype: 'float32', keras_history: [name, 0, 0] },
})

/** The same as Keras 3 writes a functional model: shapes, policies, calls and weight names of its own. */
export const keras3Model: Files = {
  'model.json': JSON.stringify({
    format: 'layers-model',
    modelTopology: {
      keras_version: '3.6.0',
      backend: 'tensorflow',
      model_config: {
        class_name: 'Functional',
        config: {
          name: 'functional',
          layers: [
            {
              module: 'keras.layers',
              class_name: 'InputLayer',
              config: { batch_shape: [null, 2], dtype: 'float32', sparse: false, name: 'rows' },
              registered_name: null,
              name: 'rows',
              inbound_nodes: [],
            },
            {
              module: 'keras.layers',
              class_name: 'Dense',
              config: { name: 'dense', trainable: true, dtype: policy, units: 1, activation: 'linear', use_bias: true },
              registered_name: null,
              build_config: { input_shape: [null, 2] },
              name: 'dense',
              inbound_nodes: [{ args: [tensor('rows', 2)], kwargs: {} }],
            },
          ],
          input_layers: ['rows', 0, 0],
          output_layers: ['dense', 0, 0],
        },
      },
    },
    weightsManifest: [
      {
        paths: ['w.bin'],
        weights: [
          { name: 'functional/dense/kernel', shape: [2, 1], dtype: 'float32' },
          { name: 'functional/dense/bias', shape: [1], dtype: 'float32' },
        ],
      },
    ],
  }),
  'w.bin': sumWeights,
}

/** 2 a + 3 b + 1 as a graph; with another `op` in place of MatMul. `oneRow`: it gives one row back and refuses more. */
export function graphModel(op = 'MatMul', oneRow = false): Files {
  const type = { DT_FLOAT: { type: 'DT_FLOAT' } }.DT_FLOAT
  const shape = (...sizes: number[]) => ({ shape: { dim: sizes.map(size => ({ size: String(size) })) } })
  return {
    'model.json': JSON.stringify({
      format: 'graph-model',
      modelTopology: {
        node: [
          { name: 'x', op: 'Placeholder', attr: { dtype: type, shape: shape(-1, 2) } },
          {
            name: 'w',
            op: 'Const',
            attr: { dtype: type, value: { tensor: { dtype: 'DT_FLOAT', tensorShape: shape(2, 1).shape } } },
          },
          {
            name: 'b',
            op: 'Const',
            attr: { dtype: type, value: { tensor: { dtype: 'DT_FLOAT', tensorShape: shape(1).shape } } },
          },
          {
            name: 'product',
            op,
            input: ['x', 'w'],
            attr: { T: type, transpose_a: { b: oneRow }, transpose_b: { b: false } },
          },
          { name: 'out', op: 'AddV2', input: ['product', 'b'], attr: { T: type } },
        ],
        library: {},
        versions: { producer: 440 },
      },
      signature: {
        inputs: { x: { name: 'x:0', dtype: 'DT_FLOAT', tensorShape: shape(-1, 2).shape } },
        outputs: { out: { name: 'out:0', dtype: 'DT_FLOAT', tensorShape: shape(-1, 1).shape } },
      },
      weightsManifest: [
        {
          paths: ['g.bin'],
          weights: [
            { name: 'w', shape: [oneRow ? 1 : 2, 1], dtype: 'float32' },
            { name: 'b', shape: [1], dtype: 'float32' },
          ],
        },
      ],
    }),
    'g.bin': oneRow ? floats(1, 0) : sumWeights,
  }
}

/** Stored entries, no compression. */
export function zipOf(files: Files): Uint8Array {
  const parts: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let at = 0
  for (const [name, content] of Object.entries(files)) {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
    const head = new DataView(new ArrayBuffer(30))
    const entry = new DataView(new ArrayBuffer(46))
    const title = new TextEncoder().encode(name)
    head.setUint32(0, 0x04034b50, true)
    entry.setUint32(0, 0x02014b50, true)
    for (const [view, sum] of [
      [head, 14],
      [entry, 16],
    ] as const) {
      view.setUint32(sum, crc32(bytes), true)
      view.setUint32(sum + 4, bytes.length, true)
      view.setUint32(sum + 8, bytes.length, true)
      view.setUint16(sum + 12, title.length, true)
    }
    entry.setUint32(42, at, true)
    parts.push(new Uint8Array(head.buffer), title, bytes)
    directory.push(new Uint8Array(entry.buffer), title)
    at += 30 + title.length + bytes.length
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0)
  const end = new DataView(new ArrayBuffer(22))
  end.setUint32(0, 0x06054b50, true)
  end.setUint16(8, directory.length / 2, true)
  end.setUint16(10, directory.length / 2, true)
  end.setUint32(12, size, true)
  end.setUint32(16, at, true)
  return Buffer.concat([...parts, ...directory, new Uint8Array(end.buffer)])
}

/** 2 a + 3 b + 1 as ONNX: one Gemm. */
export function onnxModel(): Uint8Array {
  const key = (field: number, wire: number) => varint(field * 8 + wire)
  const bytes = (field: number, content: Uint8Array) => Buffer.concat([key(field, 2), varint(content.length), content])
  const text = (field: number, value: string) => bytes(field, new TextEncoder().encode(value))
  const int = (field: number, value: number) => Buffer.concat([key(field, 0), varint(value)])
  const tensorOf = (name: string, dims: number[], values: Uint8Array) =>
    bytes(5, Buffer.concat([...dims.map(d => int(1, d)), int(2, 1), text(8, name), bytes(9, values)]))
  const dim = (value: number | string) => bytes(1, typeof value === 'number' ? int(1, value) : text(2, value))
  const valueInfo = (field: number, name: string, dims: (number | string)[]) =>
    bytes(
      field,
      Buffer.concat([
        text(1, name),
        bytes(2, bytes(1, Buffer.concat([int(1, 1), bytes(2, Buffer.concat(dims.map(dim)))]))),
      ]),
    )
  const node = bytes(1, Buffer.concat([text(1, 'x'), text(1, 'w'), text(1, 'b'), text(2, 'y'), text(4, 'Gemm')]))
  const graph = Buffer.concat([
    node,
    text(2, 'sum'),
    tensorOf('w', [2, 1], sumWeights.slice(0, 8)),
    tensorOf('b', [1], sumWeights.slice(8)),
    valueInfo(11, 'x', ['n', 2]),
    valueInfo(12, 'y', ['n', 1]),
  ])
  return Buffer.concat([int(1, 8), bytes(7, graph), bytes(8, Buffer.concat([text(1, ''), int(2, 13)]))])
}

function varint(value: number): Uint8Array {
  const out: number[] = []
  let rest = value
  do {
    out.push((rest & 127) | (rest > 127 ? 128 : 0))
    rest >>>= 7
  } while (rest > 0)
  return Uint8Array.from(out)
}
