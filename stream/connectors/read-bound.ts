/**
 * `--from` and `--to` as values: every connector understands the same forms and resolves them against its own offsets.
 */
import { StreamError } from '../errors.ts'

export type ReadBound =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  /** The last `count` records, shared by the partitions: ceil(count / partitions) each. */
  | { readonly kind: 'last'; readonly count: number }
  /** First record whose timestamp is at or after the instant. */
  | { readonly kind: 'instant'; readonly instantMs: number }
  /** One offset of one partition; the other partitions are not read. */
  | { readonly kind: 'offset'; readonly partition: number; readonly offset: bigint }

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** Where a partition is read from that `positions` does not tell: of a stream that goes on it is new since, and read whole. */
export function startBound(from: ReadBound, positions: ReadonlyMap<number, bigint> | undefined): ReadBound {
  return positions === undefined ? from : { kind: 'earliest' }
}

/** Reads one of the forms; a duration counts back from `nowMs`. Throws POSITION_INVALID. */
export function parseReadBound(text: string, nowMs: number, option: 'from' | 'to' = 'from'): ReadBound {
  const typed = text.trim()
  if (typed === 'earliest') return { kind: 'earliest' }
  if (typed === 'latest') return { kind: 'latest' }
  const last = /^-(\d{1,15})$/.exec(typed)
  if (last !== null) return { kind: 'last', count: Number(last[1]) }
  const back = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(typed)
  if (back !== null) return { kind: 'instant', instantMs: nowMs - Math.round(Number(back[1]) * unitMs[back[2]!]!) }
  const offset = /^offset=(\d{1,9}):(\d{1,19})$/.exec(typed)
  if (offset !== null) return { kind: 'offset', partition: Number(offset[1]), offset: BigInt(offset[2]!) }
  if (/^\d{4}-\d{2}-\d{2}T/.test(typed)) return instant(typed, option)
  throw new StreamError({
    code: 'POSITION_INVALID',
    message: `Cannot read ${option} "${text}": it is none of earliest, latest, -10000, 10m, 2026-01-31T00:00Z, offset=0:120`,
    hint: `--${option} ${option === 'from' ? 'earliest' : 'latest'}`,
  })
}

function instant(typed: string, option: 'from' | 'to'): ReadBound {
  if (!/(?:Z|[+-]\d{2}:?\d{2})$/.test(typed)) {
    throw new StreamError({
      code: 'POSITION_INVALID',
      message: `Cannot read ${option} "${typed}": the instant has no offset from UTC`,
      hint: `--${option} ${typed}Z`,
    })
  }
  const instantMs = Date.parse(typed)
  if (Number.isNaN(instantMs)) {
    throw new StreamError({
      code: 'POSITION_INVALID',
      message: `Cannot read ${option} "${typed}": it is no instant of the calendar`,
    })
  }
  return { kind: 'instant', instantMs }
}

/** Records per partition for `-N`. */
export function lastPerPartition(count: number, partitionCount: number): number {
  return Math.ceil(count / Math.max(1, partitionCount))
}

/** Throws PARTITION_UNKNOWN when `partition` is not one of the topic's. */
export function requirePartition(topic: string, partition: number, partitionCount: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < partitionCount) return
  throw new StreamError({
    code: 'PARTITION_UNKNOWN',
    message: `Cannot read topic "${topic}": it has no partition ${partition}, it has 0 to ${partitionCount - 1}`,
  })
}

/** POSITION_INVALID: nothing was ever written there. */
export function beyondEnd(topic: string, partition: number, position: bigint, end: bigint): StreamError {
  return new StreamError({
    code: 'POSITION_INVALID',
    message: `Cannot read topic "${topic}": offset ${position} of partition ${partition} is beyond its end ${end}`,
    hint: `%topic ${topic} --from latest`,
  })
}
