/** What the waiting rows of a join weigh, and where it ends: an error that says what to change, never a full memory. */
import { formatBytes } from '../../state/format-bytes.ts'
import { DEFAULT_STATE_BYTES, limitOfEnvironment } from '../../state/state-limit.ts'
import { PipelineFailure } from '../refusals.ts'

const SAMPLED_ROWS = 64
/** Bookkeeping of a waiting row beside the row itself. */
const PER_ROW = 48

export class SizeLimit {
  count = 0
  private readonly limitBytes: number
  private readonly describe: (keyId: number) => string
  private readonly wayOut: string
  /** The key that held most rows so far. */
  private most = 0
  private mostKey = -1
  private sampled = 0
  private sampledBytes = 0

  constructor(limitBytes: number | undefined, describe: (keyId: number) => string, wayOut: string) {
    this.limitBytes = limitBytes ?? Math.min(DEFAULT_STATE_BYTES, limitOfEnvironment())
    this.describe = describe
    this.wayOut = wayOut
  }

  get bytes(): number {
    return this.count * (PER_ROW + (this.sampled === 0 ? 0 : this.sampledBytes / this.sampled))
  }

  /** No row waits any more. */
  forget(): void {
    this.count = this.most = 0
    this.mostKey = -1
  }

  /** One more row of this key waits, `ofKey` of them in all. */
  took(row: unknown, keyId: number, ofKey: number): void {
    this.count++
    if (ofKey > this.most) {
      this.most = ofKey
      this.mostKey = keyId
    }
    if (this.sampled < SAMPLED_ROWS) {
      this.sampled++
      this.sampledBytes += roughBytes(row, 3)
    }
    if ((this.count & 255) === 0 && this.bytes > this.limitBytes) this.exceeded()
  }

  /** So many rows of a key that waits with them alone; `row` of a sample is asked for the first few. */
  tookMany(count: number, keyId: number, row: () => unknown): void {
    this.took(this.sampled < SAMPLED_ROWS ? row() : undefined, keyId, count)
    this.count += count - 1
  }

  /** For rows in memory of their own: so many wait in so many bytes. */
  check(count: number, bytes: number, hottest: () => { readonly key: unknown; readonly rows: number }): void {
    if (bytes <= this.limitBytes) return
    const { key, rows } = hottest()
    throw tooLarge({ count, bytes, limitBytes: this.limitBytes, wayOut: this.wayOut, key: String(key), rows })
  }

  private exceeded(): never {
    const key = this.mostKey < 0 ? undefined : this.describe(this.mostKey)
    const { count, bytes, limitBytes, wayOut, most } = this
    throw tooLarge({ count, bytes, limitBytes, wayOut, key, rows: most })
  }
}

interface TooLarge {
  readonly count: number
  readonly bytes: number
  readonly limitBytes: number
  readonly wayOut: string
  /** The key with most rows, and how many. */
  readonly key: string | undefined
  readonly rows: number
}

function tooLarge({ count, bytes, limitBytes, wayOut, key, rows }: TooLarge): PipelineFailure {
  const waiting = `${count.toLocaleString('en-US')} rows wait for partners (about ${formatBytes(bytes)})`
  return new PipelineFailure({
    code: 'STATE_TOO_LARGE',
    message: `Join failed: ${waiting}, the limit is ${formatBytes(limitBytes)}`,
    detail: key === undefined ? undefined : `Most are of key ${key}: ${rows.toLocaleString('en-US')} rows`,
    hint: wayOut,
  })
}

/** Memory of plain data, guessed from its shape. */
export function roughBytes(value: unknown, depth: number): number {
  if (typeof value === 'string') return 24 + value.length
  if (typeof value !== 'object' || value === null) return 8
  if (depth === 0) return 64
  let bytes = 32
  for (const part of Object.values(value)) bytes += 8 + roughBytes(part, depth - 1)
  return bytes
}
