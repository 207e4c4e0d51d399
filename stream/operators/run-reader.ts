/**
 * Keys and numbers of a run of rows at once, for windows of numbers by one key: a row costs little more than the calls of its
 * lambdas, and the loops over what was read are short enough for the processor to fetch several keys at a time.
 *
 *   rows ─▶ keys, one column of numbers per aggregate ─▶ ids of the keys ─▶ slots ─▶ sums
 *
 * It says of each row what `RowReader` says, in the same order. NaN stands for "no value".
 */
import type { Batch } from '../model.ts'
import type { Layout } from '../aggregates/layout.ts'
import { canonical } from '../state/key-table.ts'
import type { NamedReader, RowReader } from './row-reader.ts'
import type { StageContext } from './operator.ts'

export const RUN_ROWS = 4096

interface Numbers {
  readonly reader: NamedReader
  readonly column: Float64Array
}

type Fill = (rows: readonly unknown[], from: number, to: number, batch: Batch) => number

export class RunReader {
  /** Of the rows read last. */
  readonly keys: unknown[] = new Array<unknown>(RUN_ROWS).fill(undefined)
  /** Numbers of each aggregate; undefined for count. */
  readonly numbers: readonly (Float64Array | undefined)[]
  readonly ids = new Int32Array(RUN_ROWS)
  readonly slots = new Int32Array(RUN_ROWS)
  /** Reads rows `from` to `to`, at most RUN_ROWS; gives how many were not refused. */
  readonly read: Fill

  private constructor(
    key: NamedReader,
    inputs: readonly (Numbers | undefined)[],
    reader: RowReader,
    context: StageContext,
  ) {
    this.numbers = inputs.map(input => input?.column)
    this.read = fillOf({ key, inputs, reader, context, keys: this.keys })
  }

  /** Undefined when a row needs more than numbers and a key. */
  static of(reader: RowReader, layout: Layout, context: StageContext): RunReader | undefined {
    const { keys, inputs } = reader
    const [key] = keys
    if (key === undefined || keys.length > 1 || layout.boxStride > 0 || key.lambda?.wantsMeta === true) return undefined
    const plain = inputs.every(
      input =>
        input === undefined ||
        (input.numbers && input.whole !== true && input.wrap === undefined && input.lambda?.wantsMeta !== true),
    )
    if (!plain) return undefined
    const numbers = inputs.map(input => input && { reader: input, column: new Float64Array(RUN_ROWS) })
    return new RunReader(key, numbers, reader, context)
  }
}

interface FillParts {
  readonly key: NamedReader
  readonly inputs: readonly (Numbers | undefined)[]
  readonly reader: RowReader
  readonly context: StageContext
  readonly keys: unknown[]
}

/** Made for these lambdas: a call that only ever sees one function is compiled into the loop. */
function fillOf({ key, inputs, reader, context, keys }: FillParts): Fill {
  const each = (text: (a: number) => string) => inputs.flatMap((input, a) => (input === undefined ? [] : text(a)))
  const make = new Function(
    'key',
    'reads',
    'columns',
    'keys',
    'other',
    'oddKey',
    'failed',
    'passed',
    `${each(a => `const v${a} = reads[${a}], c${a} = columns[${a}]`).join('\n')}
    return (rows, from, to, batch) => {
      let n = 0, i = from, at = -1
      while (i < to) {
        try {
          for (; i < to; i++) {
            const row = rows[i]
            ${each(a => `at = ${a}; const x${a} = v${a}(row); c${a}[n] = typeof x${a} === 'number' && x${a} === x${a} ? x${a} : other(${a}, x${a}, batch, i)`).join('\n')}
            at = -1
            const k = key(row)
            if (typeof k !== 'string' ? typeof k !== 'number' : k === '') oddKey(k, row)
            keys[n] = k
            if (n++ === 0) passed()
          }
        } catch (error) { failed(error, at, batch, i++) }
      }
      return n
    }`,
  ) as (...parts: unknown[]) => Fill
  const reads = inputs.map(input => input?.reader.read)
  const columns = inputs.map(input => input?.column)
  return make(
    key.read,
    reads,
    columns,
    keys,
    (a: number, value: unknown, batch: Batch, i: number) => reader.numberOf(a, value, batch, i),
    (value: unknown, row: unknown) => {
      reader.seeKey(key, value, row)
      // Throws what cannot be a key, before the row counts.
      canonical(value)
    },
    (error: unknown, at: number, batch: Batch, i: number) =>
      reader.refuse(at < 0 ? key : inputs[at]?.reader, error, batch, i),
    () => context.passed(),
  )
}
