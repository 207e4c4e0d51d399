/**
 * Keys as dense integers: state lives in arrays indexed by them, and a key is hashed once per record, never concatenated.
 *
 * Several columns are interned one by one and their ids combined in pairs. A key nobody holds any more stays for a while: the keys
 * of the next window are mostly those of the last, and a stream of ever new keys must not grow without end. Order of keys is by value, never by arrival.
 */
import { StreamError } from '../errors.ts'
import { textOrder } from './text-order.ts'

/** A V8 Map refuses to grow beyond 2^24 entries. */
const MOST_KEYS = 16_000_000
const PAIR = 67_108_864
/** So few unheld keys are never worth forgetting. */
const KEPT_UNHELD = 4096

export interface KeyTableState {
  /** Values by id, one list per column. */
  readonly columns: readonly (readonly unknown[])[]
  readonly holders: Int32Array
  readonly free: readonly number[]
}

export class KeyTable {
  /** Column values by id; one array per column. */
  private columns: unknown[][]
  private columnIds: Map<unknown, number>[]
  /** Combined ids; one map per column beyond the first. */
  private pairs: Map<number, number>[]
  private holders = new Int32Array(64)
  private free: number[] = []
  private next = 0
  /** Keys nobody holds that are still known. */
  private unheld = 0
  /** Grows with every look for keys to forget; by id the one of its last release. */
  private generation = 0
  private releasedIn = new Int32Array(64)
  private releases = 0
  /** Known ids by value, without the fresh ones. */
  private order = new Int32Array(0)
  /** Ids made since `order` was. */
  private fresh: number[] = []
  private rankOf = new Int32Array(0)
  private readonly width: number

  constructor(width: number) {
    this.width = width
    this.columns = Array.from({ length: width }, () => [])
    this.columnIds = Array.from({ length: width }, () => new Map())
    this.pairs = Array.from({ length: Math.max(0, width - 1) }, () => new Map())
  }

  /** Ids are below this. */
  get capacity(): number {
    return this.next
  }

  get liveCount(): number {
    return this.next - this.free.length
  }

  /** The id of a one-column key; a new key gets one. */
  intern1(value: unknown): number {
    const id = (this.columnIds[0] as Map<unknown, number>).get(value)
    return id === undefined ? this.addOne(value) : id
  }

  /** Whether a one-column key has an id. */
  knows(value: unknown): boolean {
    return (this.columnIds[0] as Map<unknown, number>).has(value)
  }

  /** The ids of many one-column keys. */
  internRun(keys: readonly unknown[], count: number, ids: Int32Array): void {
    const known = this.columnIds[0] as Map<unknown, number>
    for (let r = 0; r < count; r++) ids[r] = known.get(keys[r]) ?? this.addOne(keys[r])
  }

  /** The id of a key of any width. */
  intern(values: readonly unknown[]): number {
    if (this.width === 1) return this.intern1(values[0])
    if (this.width === 0) return this.next === 0 ? this.allocate([]) : 0
    let id = this.columnId(0, values[0])
    for (let c = 1; c < this.width; c++) {
      const code = id * PAIR + this.columnId(c, values[c])
      const map = this.pairs[c - 1] as Map<number, number>
      const known = map.get(code)
      if (known !== undefined) id = known
      else if (c < this.width - 1) {
        id = map.size
        map.set(code, id)
      } else {
        id = this.allocate(values)
        map.set(code, id)
      }
    }
    return id
  }

  /** One more slice, window or session holds this key. */
  hold(id: number): void {
    const before = this.holders[id] as number
    if (before === 0) this.unheld--
    this.holders[id] = before + 1
  }

  /** One holder less. */
  release(id: number): void {
    const left = (this.holders[id] as number) - 1
    this.holders[id] = left
    if (left > 0) return
    this.unheld++
    this.releasedIn[id] = this.generation
    if (++this.releases > KEPT_UNHELD && this.releases * 2 > this.liveCount) this.forgetUnheld()
  }

  /** The value of one column. */
  valueOf(id: number, column: number): unknown {
    return this.columns[column]?.[id]
  }

  /** Appends the values of one column for the ids at these places. */
  valuesOf(ids: Int32Array, places: Int32Array, column: number, into: unknown[]): void {
    const values = this.columns[column] as unknown[]
    for (let r = 0; r < places.length; r++) into.push(values[ids[places[r] as number] as number])
  }

  /** Position of each known id in the order of key values, by id. */
  ranks(): Int32Array {
    if (this.fresh.length === 0) return this.rankOf
    const fresh = this.sortedFresh()
    const old = this.order
    const merged = new Int32Array(old.length + fresh.length)
    let o = 0
    let f = 0
    for (let m = 0; m < merged.length; m++) {
      const takeOld = o < old.length && (f >= fresh.length || this.compare(old[o] as number, fresh[f] as number) < 0)
      merged[m] = takeOld ? (old[o++] as number) : (fresh[f++] as number)
    }
    this.order = merged
    this.fresh = []
    this.rankOf = new Int32Array(this.next)
    for (let rank = 0; rank < merged.length; rank++) this.rankOf[merged[rank] as number] = rank
    return this.rankOf
  }

  private sortedFresh(): ArrayLike<number> {
    const { fresh } = this
    const values = this.width === 1 ? fresh.map(id => this.columns[0]?.[id]) : []
    if (this.width !== 1 || !values.every(value => typeof value === 'string'))
      return fresh.sort((a, b) => this.compare(a, b))
    return textOrder(values as readonly string[]).map(place => fresh[place] as number)
  }

  snapshot(): KeyTableState {
    const columns = this.columns.map(column => column.slice(0, this.next))
    return { columns, holders: this.holders.slice(0, this.next), free: this.free.slice() }
  }

  restore(state: KeyTableState): void {
    this.next = state.holders.length
    this.holders = new Int32Array(Math.max(64, this.next))
    this.holders.set(state.holders)
    this.releasedIn = new Int32Array(this.holders.length)
    this.free = state.free.slice()
    this.columns = state.columns.map(column => column.slice())
    const known = this.knownIds()
    this.unheld = known.filter(id => this.holders[id] === 0).length
    this.order = new Int32Array(0)
    this.fresh = known
    this.rebuild(known)
  }

  bytes(): number {
    // Text and its place in a map: measured at 131 to 151 bytes, numbers at about 60.
    return this.liveCount * 110 * Math.max(1, this.width) + this.holders.byteLength
  }

  private addOne(value: unknown): number {
    const key = canonical(value)
    const known = key === value ? undefined : this.columnIds[0]?.get(key)
    if (known !== undefined) return known
    const id = this.allocate([value])
    this.columnIds[0]?.set(key, id)
    return id
  }

  private columnId(column: number, value: unknown): number {
    const map = this.columnIds[column] as Map<unknown, number>
    const key = canonical(value)
    let id = map.get(key)
    if (id === undefined) {
      id = map.size
      map.set(key, id)
    }
    return id
  }

  private allocate(values: readonly unknown[]): number {
    const id = this.free.pop() ?? this.next++
    if (this.next > MOST_KEYS) {
      throw new StreamError({
        code: 'STATE_TOO_LARGE',
        message: `Cannot hold more than ${MOST_KEYS.toLocaleString('en-US')} keys at a time`,
        hint: 'Use a key with fewer values, a smaller window or less lateness',
      })
    }
    if (id >= this.holders.length) {
      const larger = new Int32Array(this.holders.length * 2)
      larger.set(this.holders)
      this.holders = larger
      const releasedIn = new Int32Array(larger.length)
      releasedIn.set(this.releasedIn)
      this.releasedIn = releasedIn
    }
    this.holders[id] = 0
    this.releasedIn[id] = this.generation
    this.unheld++
    this.fresh.push(id)
    for (let c = 0; c < this.width; c++) {
      const value = values[c]
      // A Map takes −0 for 0: what is shown must not depend on which came first.
      ;(this.columns[c] as unknown[])[id] = value === undefined ? null : value === 0 ? 0 : value
    }
    return id
  }

  private knownIds(): number[] {
    const freed = new Uint8Array(this.next)
    for (const id of this.free) freed[id] = 1
    const known: number[] = []
    for (let id = 0; id < this.next; id++) if (freed[id] === 0) known.push(id)
    return known
  }

  /** Forgets the keys that nobody has held since the look before the last one. */
  private forgetUnheld(): void {
    this.releases = 0
    this.generation++
    if (this.width === 0 || this.unheld * 2 < this.liveCount) return
    const old = (id: number) =>
      (this.holders[id] as number) === 0 && (this.releasedIn[id] as number) < this.generation - 1
    const known = this.knownIds()
    const kept = known.filter(id => !old(id))
    if (kept.length === known.length) return
    // A few of many are taken out one by one: most keys of a window come again in the next.
    const few = this.width === 1 && (known.length - kept.length) * 4 < known.length
    for (const id of known) {
      if (!old(id)) continue
      if (few) this.columnIds[0]?.delete(canonical(this.columns[0]?.[id]))
      for (const column of this.columns) column[id] = undefined
      this.free.push(id)
    }
    this.unheld -= known.length - kept.length
    this.order = this.order.filter(id => !old(id))
    this.fresh = this.fresh.filter(id => !old(id))
    if (!few) this.rebuild(kept)
  }

  /** Maps from values to ids anew. */
  private rebuild(known: readonly number[]): void {
    this.columnIds = Array.from({ length: this.width }, () => new Map())
    this.pairs = Array.from({ length: Math.max(0, this.width - 1) }, () => new Map())
    if (this.width === 1) {
      for (const id of known) this.columnIds[0]?.set(canonical(this.columns[0]?.[id]), id)
      return
    }
    if (this.width === 0) return
    for (const id of known) {
      let combined = this.columnId(0, this.columns[0]?.[id])
      for (let c = 1; c < this.width; c++) {
        const code = combined * PAIR + this.columnId(c, this.columns[c]?.[id])
        const map = this.pairs[c - 1] as Map<number, number>
        combined = c === this.width - 1 ? id : (map.get(code) ?? map.size)
        map.set(code, combined)
      }
    }
  }

  /** Order of two known keys by value. For few keys: `ranks` looks at all. */
  compare(a: number, b: number): number {
    for (const column of this.columns) {
      const x = column[a]
      const y = column[b]
      const order = typeof x === 'string' && typeof y === 'string' ? (x < y ? -1 : x > y ? 1 : 0) : compareKeys(x, y)
      if (order !== 0) return order
    }
    return a - b
  }
}

/** What makes two keys one: primitives by value (undefined is null), objects by their JSON text. */
export function canonical(value: unknown): unknown {
  if (value === undefined) return null
  if (typeof value !== 'object' || value === null) return value
  return `\u0000${value instanceof Date ? `date:${value.getTime()}` : JSON.stringify(value)}`
}

/** null < false < true < numbers (NaN last) < bigints < text by code units < objects by JSON. */
export function compareKeys(a: unknown, b: unknown): number {
  const kind = kindRank(a) - kindRank(b)
  if (kind !== 0) return kind
  if (typeof a === 'object' && a !== null) return compareKeys(canonical(a), canonical(b))
  if (typeof a === 'number' && (Number.isNaN(a) || Number.isNaN(b as number))) {
    return (Number.isNaN(a) ? 1 : 0) - (Number.isNaN(b as number) ? 1 : 0)
  }
  const x = a as string
  const y = b as string
  return x < y ? -1 : x > y ? 1 : 0
}

function kindRank(value: unknown): number {
  if (value === null || value === undefined) return 0
  return { boolean: 1, number: 2, bigint: 3, string: 4 }[typeof value as 'string'] ?? 5
}
