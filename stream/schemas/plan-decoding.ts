/** Decoding for the sources of one running plan, which share rows with those of other plans. */
import type { EnvelopeBatch } from '../model.ts'
import type { TopicNode } from '../plan.ts'
import type { Decoded } from './decode.ts'
import type { SharedReader, SharedRows } from './shared-rows.ts'

export class PlanDecoding {
  readonly #shared: SharedRows
  readonly #readOnly: boolean
  /** By their place in the plan: a plan may read one topic twice. */
  readonly #readers = new Map<number, SharedReader>()

  /** `readOnly`: nothing in the plan, nor who gets its rows, changes a row. */
  constructor(shared: SharedRows, readOnly = false) {
    this.#shared = shared
    this.#readOnly = readOnly
  }

  decode(batch: EnvelopeBatch, { options }: TopicNode, source: number): Decoded {
    let reader = this.#readers.get(source)
    if (reader === undefined) {
      reader = this.#shared.reader({ format: options.format, schema: options.schema }, this.#readOnly)
      this.#readers.set(source, reader)
    }
    return reader.decode(batch)
  }

  /** Nothing is left for it any more. It may begin again. */
  close(): void {
    for (const reader of this.#readers.values()) reader.close()
    this.#readers.clear()
  }
}
