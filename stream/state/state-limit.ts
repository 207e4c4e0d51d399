/**
 * What the operators of a stream hold, and where it ends: an error that names the operator, its keys and the way out, long before
 * memory does. Looked at every few thousand records: asking every operator at each would cost more than the records.
 */
import { formatBytes } from './format-bytes.ts'
import { PipelineFailure } from '../operators/refusals.ts'
import { parseSize } from '../size.ts'

/** Half of what the thread that runs the streams may use. */
export const DEFAULT_STATE_BYTES = 1e9
const LOOK_EVERY_RECORDS = 8192

/** An operator on the scale. */
export interface Weighed {
  /** What it is, for people: `tumbling window by user`. */
  readonly title: string
  /** What makes it smaller. */
  readonly wayOut: string
  stateBytes(): number
  keyCount(): number | undefined
}

export class StateLimit {
  private readonly limitBytes: number
  private lookAt = LOOK_EVERY_RECORDS

  /** Default: `RIFFLE_STATE_LIMIT` (`2GB`), else 1 GB. */
  constructor(limitBytes: number | undefined) {
    this.limitBytes = limitBytes ?? limitOfEnvironment()
  }

  /**
   * Looks if it is time to, `recordCount` being all records so far.
   *
   * @throws PipelineFailure STATE_TOO_LARGE
   */
  check(recordCount: number, operators: readonly Weighed[]): void {
    if (recordCount < this.lookAt) return
    this.lookAt = recordCount + LOOK_EVERY_RECORDS
    let all = 0
    let most = 0
    let heaviest: Weighed | undefined
    for (const operator of operators) {
      const bytes = operator.stateBytes()
      all += bytes
      if (bytes > most) {
        most = bytes
        heaviest = operator
      }
    }
    if (all <= this.limitBytes || heaviest === undefined) return
    const keys = heaviest.keyCount()
    throw new PipelineFailure({
      code: 'STATE_TOO_LARGE',
      message: `Stream failed: its state needs ${formatBytes(all)}, the limit is ${formatBytes(this.limitBytes)}`,
      detail: `Most is held by the ${heaviest.title}: ${keys === undefined ? '' : `${keys.toLocaleString('en-US')} keys, `}${formatBytes(most)}`,
      hint: `${heaviest.wayOut}, or set RIFFLE_STATE_LIMIT=4GB before the kernel starts`,
    })
  }
}

/** `RIFFLE_STATE_LIMIT`, else 1 GB. */
export function limitOfEnvironment(): number {
  const text = process.env['RIFFLE_STATE_LIMIT']
  return text === undefined || text === '' ? DEFAULT_STATE_BYTES : parseSize(text)
}
