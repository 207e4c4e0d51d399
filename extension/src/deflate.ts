/**
 * Bytes made smaller, in the zlib format (RFC 1950, 1951), in one go: a notebook is saved in one, and what browsers have for this
 * answers later. One block with codes of its own; the longest match among the newest few with the same three bytes.
 */
const WINDOW = 32_768
const LONGEST = 258
const SHORTEST = 3
/** So many places are looked at for a longer match. */
const TRIES = 24
const END = 256
/** Longest code of literals and distances, and of the lengths of those. */
const CODE_BITS = 15
const LENGTH_CODE_BITS = 7
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** First value and extra bits of each symbol: `groups` of so many symbols with the same bits. */
function ranges(first: number, groups: readonly (readonly [symbols: number, bits: number])[]): readonly Range[] {
  let base = first
  return groups.flatMap(([symbols, bits]) =>
    Array.from({ length: symbols }, () => {
      const range = { base, bits }
      base += 2 ** bits
      return range
    }),
  )
}

interface Range {
  readonly base: number
  readonly bits: number
}

const LENGTHS: readonly Range[] = [
  ...ranges(3, [[8, 0], [4, 1], [4, 2], [4, 3], [4, 4], [4, 5]]),
  { base: LONGEST, bits: 0 },
] // prettier-ignore
const DISTANCES = ranges(1, [[4, 0], ...Array.from({ length: 13 }, (_, i) => [2, i + 1] as const)])

/** A literal (distance 0), or a match: so long, so far back. */
interface Piece {
  readonly value: number
  readonly distance: number
}

export function zlibOf(bytes: Uint8Array): Uint8Array {
  const out = new BitWriter()
  out.write(0x78, 8)
  out.write(0x9c, 8)
  writeBlock(out, pieces(bytes))
  out.align()
  const sum = adler32(bytes)
  for (const shift of [24, 16, 8, 0]) out.write((sum >>> shift) & 255, 8)
  return out.bytes()
}

function pieces(bytes: Uint8Array): Piece[] {
  const found: Piece[] = []
  const newest = new Int32Array(65_536).fill(-1)
  const before = new Int32Array(WINDOW)
  const note = (at: number): void => {
    if (at + SHORTEST > bytes.length) return
    const hash = hashAt(bytes, at)
    before[at % WINDOW] = newest[hash] as number
    newest[hash] = at
  }
  for (let at = 0; at < bytes.length;) {
    let length = 0
    let distance = 0
    let from = at + SHORTEST > bytes.length ? -1 : (newest[hashAt(bytes, at)] as number)
    for (let tries = TRIES; tries > 0 && from >= 0 && at - from < WINDOW && length < LONGEST; tries--) {
      const same = sameBytes(bytes, from, at)
      if (same > length) {
        length = same
        distance = at - from
      }
      from = before[from % WINDOW] as number
    }
    const long = length >= SHORTEST
    found.push(long ? { value: length, distance } : { value: bytes[at] as number, distance: 0 })
    for (const end = at + (long ? length : 1); at < end; at++) note(at)
  }
  return found
}

function hashAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) * 2509 + (bytes[at + 1] as number) * 179 + (bytes[at + 2] as number) * 31) & 65_535
}

function sameBytes(bytes: Uint8Array, from: number, at: number): number {
  const most = Math.min(LONGEST, bytes.length - at)
  let same = 0
  while (same < most && bytes[from + same] === bytes[at + same]) same++
  return same
}

function symbolOf(ofRanges: readonly Range[], value: number): number {
  let symbol = ofRanges.length - 1
  while ((ofRanges[symbol] as Range).base > value) symbol--
  return symbol
}

function writeBlock(out: BitWriter, all: readonly Piece[]): void {
  const literalCounts = new Array<number>(286).fill(0)
  const distanceCounts = new Array<number>(30).fill(0)
  literalCounts[END] = 1
  for (const { value, distance } of all) {
    const symbol = distance === 0 ? value : END + 1 + symbolOf(LENGTHS, value)
    literalCounts[symbol] = (literalCounts[symbol] as number) + 1
    if (distance > 0) {
      const far = symbolOf(DISTANCES, distance)
      distanceCounts[far] = (distanceCounts[far] as number) + 1
    }
  }
  const literals = codesOf(literalCounts, CODE_BITS)
  const distances = codesOf(distanceCounts, CODE_BITS)
  // The last block, with codes of its own.
  out.write(1, 1)
  out.write(2, 2)
  writeCodes(out, literals, distances)
  for (const { value, distance } of all) {
    if (distance === 0) {
      out.code(literals[value])
      continue
    }
    const length = symbolOf(LENGTHS, value)
    out.code(literals[END + 1 + length])
    out.rest(LENGTHS[length], value)
    const far = symbolOf(DISTANCES, distance)
    out.code(distances[far])
    out.rest(DISTANCES[far], distance)
  }
  out.code(literals[END])
}

/** The lengths of both codes, coded in turn; runs of equal ones are left as they are: there are three hundred at most. */
function writeCodes(out: BitWriter, literals: readonly Code[], distances: readonly Code[]): void {
  const lengths = [...literals, ...distances].map(({ bits }) => bits)
  const counts = new Array<number>(19).fill(0)
  for (const bits of lengths) counts[bits] = (counts[bits] as number) + 1
  const codes = codesOf(counts, LENGTH_CODE_BITS)
  out.write(literals.length - 257, 5)
  out.write(distances.length - 1, 5)
  out.write(LENGTH_ORDER.length - 4, 4)
  for (const symbol of LENGTH_ORDER) out.write((codes[symbol] as Code).bits, 3)
  for (const bits of lengths) out.code(codes[bits])
}

interface Code {
  /** 0: never written. */
  readonly bits: number
  readonly code: number
}

/** Huffman codes for symbols that come so often, none longer than `most` bits. For tests too. */
export function codesOf(counts: readonly number[], most: number): Code[] {
  let lengths = lengthsOf(counts)
  // Less different counts make a flatter tree.
  for (let flat = counts; Math.max(...lengths) > most; lengths = lengthsOf(flat))
    flat = flat.map(count => Math.ceil(count / 2))
  const codes = lengths.map(bits => ({ bits, code: 0 }))
  let code = 0
  for (let bits = 1; bits <= most; bits++) {
    for (const each of codes) if (each.bits === bits) each.code = code++
    code *= 2
  }
  return codes
}

interface Tree {
  readonly count: number
  readonly symbols: readonly number[]
}

function lengthsOf(counts: readonly number[]): number[] {
  const lengths = counts.map(() => 0)
  const trees: Tree[] = counts.flatMap((count, symbol) => (count > 0 ? [{ count, symbols: [symbol] }] : []))
  // Readers want a code of two symbols at least.
  for (let symbol = 0; trees.length < 2; symbol++) if (counts[symbol] === 0) trees.push({ count: 0, symbols: [symbol] })
  while (trees.length > 1) {
    trees.sort((a, b) => b.count - a.count)
    const [a, b] = [trees.pop() as Tree, trees.pop() as Tree]
    const symbols = [...a.symbols, ...b.symbols]
    for (const symbol of symbols) lengths[symbol] = (lengths[symbol] as number) + 1
    trees.push({ count: a.count + b.count, symbols })
  }
  return lengths
}

class BitWriter {
  #bytes = new Uint8Array(4096)
  #length = 0
  #held = 0
  #heldBits = 0

  /** The lowest bit first. */
  write(value: number, bits: number): void {
    this.#held |= value << this.#heldBits
    this.#heldBits += bits
    while (this.#heldBits >= 8) {
      this.#push(this.#held & 255)
      this.#held >>>= 8
      this.#heldBits -= 8
    }
  }

  /** The highest bit first, as codes are. */
  code(code: Code | undefined): void {
    if (code === undefined) throw new Error('a symbol without a code')
    for (let bit = code.bits - 1; bit >= 0; bit--) this.write((code.code >> bit) & 1, 1)
  }

  rest(range: Range | undefined, value: number): void {
    if (range !== undefined && range.bits > 0) this.write(value - range.base, range.bits)
  }

  align(): void {
    if (this.#heldBits > 0) this.write(0, 8 - this.#heldBits)
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  #push(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#bytes[this.#length++] = byte
  }
}

function adler32(bytes: Uint8Array): number {
  let a = 1
  let b = 0
  for (const byte of bytes) {
    a = (a + byte) % 65_521
    b = (b + a) % 65_521
  }
  return ((b << 16) | a) >>> 0
}
