/**
 * Streams of one topic decode each record once: the first to come to it leaves its row for those close behind, and the last of them
 * takes it away.
 *
 *     B ▸ r r r r r A ▸      A decodes, B takes what A left       C ▸ … far behind: decodes for itself until it is close
 *         └── reach ──┘
 *
 * Nobody waits for anybody, a stream alone leaves nothing, and what is left is bounded in records and bytes. A stream that may change
 * its rows has rows of its own; those that only read have one between them. Where batches are cut does not matter: a record is known by
 * its log, partition and offset.
 */
import type { EnvelopeBatch } from '../model.ts'
import { decodeBatch } from './decode.ts'
import type { Decoded, DecodeOptions, RowsInPassing } from './decode.ts'
import { ownCopy } from './own-copy.ts'

export interface SharedRowsLimits {
  /** Who is further behind decodes for itself. Default 65,536. */
  readonly reachRecords?: number | undefined
  /** What rows that are left may take, judged by their encoded size. Default 32 MB. */
  readonly bytes?: number | undefined
}

const slotRecords = 256
/** An object takes so much more than its text, about. */
const growth = 3
const rowBytes = 100

/** Rows left of neighbouring offsets. */
class Slot {
  readonly log: Log
  readonly name: number
  readonly rows = new Array<unknown>(slotRecords)
  readonly keys = new Array<string | undefined>(slotRecords)
  /** 1: a stream that only reads has the row too. */
  readonly read = new Uint8Array(slotRecords)
  /** What decoded each row; undefined where there is none. */
  readonly hows = new Array<unknown>(slotRecords)
  count = 0
  bytes = 0

  constructor(log: Log, name: number) {
    this.log = log
    this.name = name
  }
}

interface Left {
  readonly row: object
  readonly key: string | undefined
  readonly valueBytes: number
  /** Who leaves it uses it too. */
  readonly readOnly: boolean
}

/** What is left of one partition for one group of readers. */
interface Log {
  readonly group: Group
  readonly slots: Map<number, Slot>
  last: Slot | undefined
}

/** Readers that make the same rows of the same records. */
interface Group {
  readonly key: string
  readonly readers: Set<SharedReader>
  readonly logs: (Log | undefined)[]
  slotCount: number
}

export class SharedRows {
  /** What is left, about. */
  bytes = 0
  /** Key of the row taken last. */
  key: string | undefined
  readonly reachRecords: number
  readonly #limitBytes: number
  readonly #groups = new Map<string, Group>()
  /** Oldest first. */
  readonly #slots = new Set<Slot>()

  constructor({ reachRecords = 65_536, bytes = 32 << 20 }: SharedRowsLimits = {}) {
    this.reachRecords = reachRecords
    this.#limitBytes = bytes
  }

  /** For one source of one stream; whoever made it closes it. `readOnly`: it never changes a row, nor gives it to who may. */
  reader(options: DecodeOptions, readOnly = false): SharedReader {
    return new SharedReader(this, options, readOnly)
  }

  join(key: string, reader: SharedReader): Group {
    let group = this.#groups.get(key)
    if (group === undefined) this.#groups.set(key, (group = { key, readers: new Set(), logs: [], slotCount: 0 }))
    group.readers.add(reader)
    return group
  }

  leave(group: Group, reader: SharedReader): void {
    group.readers.delete(reader)
    // What none of the others comes to any more.
    group.logs.forEach((log, partition) => {
      const least = Math.min(...[...group.readers].map(each => each.positionOf(partition) ?? Infinity))
      for (const slot of log?.slots.values() ?? []) this.#dropBefore(slot, least)
    })
    if (group.readers.size === 0) this.#groups.delete(group.key)
  }

  put(log: Log, offset: number, how: unknown, left: Left): void {
    const name = Math.floor(offset / slotRecords)
    let slot = slotAt(log, name)
    if (slot === undefined) {
      log.slots.set(name, (slot = new Slot(log, name)))
      this.#slots.add(slot)
      log.group.slotCount++
    }
    const at = offset % slotRecords
    if (slot.hows[at] !== undefined) return
    slot.rows[at] = left.row
    slot.keys[at] = left.key
    slot.read[at] = left.readOnly ? 1 : 0
    slot.hows[at] = how
    slot.count++
    const bytes = growth * left.valueBytes + rowBytes
    slot.bytes += bytes
    this.bytes += bytes
    while (this.bytes > this.#limitBytes) this.#drop(this.#slots.values().next().value!)
  }

  /** The row left by another, or undefined. `last`: nobody else will ask for it. */
  take(log: Log, offset: number, how: unknown, by: { readonly last: boolean; readonly readOnly: boolean }): unknown {
    const slot = slotAt(log, Math.floor(offset / slotRecords))
    const at = offset % slotRecords
    if (slot === undefined || slot.hows[at] !== how) return undefined
    const row = slot.rows[at]
    const own = !by.readOnly && (!by.last || slot.read[at] === 1)
    if (by.readOnly) slot.read[at] = 1
    this.key = slot.keys[at]
    if (by.last) this.#clear(slot, at)
    return own ? ownCopy(row) : row
  }

  #dropBefore(slot: Slot, offset: number): void {
    const to = Math.min(slotRecords, offset - slot.name * slotRecords)
    if (to === slotRecords) return this.#drop(slot)
    for (let at = 0; at < to; at++) if (slot.hows[at] !== undefined) this.#clear(slot, at)
  }

  #clear(slot: Slot, at: number): void {
    slot.rows[at] = undefined
    slot.keys[at] = undefined
    slot.hows[at] = undefined
    if (--slot.count === 0) this.#drop(slot)
  }

  #drop(slot: Slot): void {
    if (!this.#slots.delete(slot)) return
    slot.log.group.slotCount--
    this.bytes -= slot.bytes
    slot.log.slots.delete(slot.name)
    if (slot.log.last === slot) slot.log.last = undefined
  }
}

function slotAt(log: Log, name: number): Slot | undefined {
  if (log.last?.name === name) return log.last
  const slot = log.slots.get(name)
  if (slot !== undefined) log.last = slot
  return slot
}

/** What the others of a group want of one partition, from the first record of a batch on. */
interface Wanted {
  readonly log: Log
  /** Position of who is closest behind the batch, and of the first of those who are within it. */
  readonly behind: number
  readonly within: number
}

export class SharedReader implements RowsInPassing {
  readonly #shared: SharedRows
  readonly #options: DecodeOptions
  readonly #how: string
  readonly #readOnly: boolean
  #log: number | undefined
  #group: Group | undefined
  /** Next offset by partition; undefined: not known yet. */
  #positions: (number | undefined)[] = []
  #batch: EnvelopeBatch | undefined
  #wanted: (Wanted | undefined)[] = []

  constructor(shared: SharedRows, options: DecodeOptions, readOnly: boolean) {
    this.#shared = shared
    this.#options = options
    this.#readOnly = readOnly
    const { format, schema, keyFormat } = options
    this.#how = JSON.stringify([format ?? 'auto', keyFormat ?? 'text', schema?.name, schema?.text])
  }

  /** Rows, keys and failures of a batch, index by index, as `decodeBatch` gives them. */
  decode(batch: EnvelopeBatch): Decoded {
    this.#enter(batch.log)
    const group = this.#group
    const alone = group === undefined || (group.readers.size < 2 && group.slotCount === 0)
    this.#batch = batch
    const decoded = decodeBatch(batch, this.#options, alone ? undefined : this)
    this.#advance(batch)
    this.#batch = undefined
    this.#wanted = []
    return decoded
  }

  positionOf(partition: number): number | undefined {
    return this.#positions[partition]
  }

  /** Idempotent. */
  close(): void {
    this.#enter(undefined)
  }

  take(index: number, how: unknown): unknown {
    const offset = Number(this.#batch!.offsets[index])
    const wanted = this.#wantedAt(this.#batch!.partitions[index]!, offset)
    return this.#shared.take(wanted.log, offset, how, {
      last: !this.#isWanted(wanted, offset),
      readOnly: this.#readOnly,
    })
  }

  get key(): string | undefined {
    return this.#shared.key
  }

  leave(index: number, how: unknown, row: object, key: string | undefined): object {
    const batch = this.#batch!
    const offset = Number(batch.offsets[index])
    const wanted = this.#wantedAt(batch.partitions[index]!, offset)
    if (!this.#isWanted(wanted, offset)) return row
    const valueBytes = batch.valueRanges[2 * index + 1]!
    this.#shared.put(wanted.log, offset, how, { row, key, valueBytes, readOnly: this.#readOnly })
    return this.#readOnly ? row : ownCopy(row)
  }

  /** Records of another number are others. */
  #enter(log: number | undefined): void {
    if (log === this.#log) return
    this.#log = log
    if (this.#group !== undefined) this.#shared.leave(this.#group, this)
    this.#positions = []
    this.#group = log === undefined ? undefined : this.#shared.join(`${log} ${this.#how}`, this)
  }

  /** `offset` is the batch's first of the partition. */
  #wantedAt(partition: number, offset: number): Wanted {
    const known = this.#wanted[partition]
    if (known !== undefined) return known
    const group = this.#group!
    const log = (group.logs[partition] ??= { group, slots: new Map(), last: undefined })
    let behind = -Infinity
    let within = Infinity
    for (const reader of group.readers) {
      const position = reader === this ? undefined : reader.positionOf(partition)
      if (position === undefined) continue
      if (position <= offset) behind = Math.max(behind, position)
      else within = Math.min(within, position)
    }
    return (this.#wanted[partition] = { log, behind, within })
  }

  #isWanted({ behind, within }: Wanted, offset: number): boolean {
    const { reachRecords } = this.#shared
    return offset - behind <= reachRecords || (offset >= within && offset - within <= reachRecords)
  }

  #advance({ count, partitions, offsets }: EnvelopeBatch): void {
    if (this.#group === undefined) return
    const last: number[] = []
    for (let i = 0; i < count; i++) last[partitions[i]!] = i
    // Holes of the list are partitions without a record here.
    last.forEach((i, partition) => (this.#positions[partition] = Number(offsets[i]) + 1))
  }
}
