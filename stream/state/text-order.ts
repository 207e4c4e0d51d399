/**
 * Texts by code units, ascending. Comparing them one by one reads each of them some twenty times from all over the memory: here a
 * few units behind what they all begin with, and the place of the text, are packed into one number, and the numbers are sorted.
 * Only texts that are equal so far are compared.
 */

/** Bits of a unit; texts with others are compared one by one. */
const UNIT_BITS = 7
const UNITS = 5
/** Places below this fit beside the units into 62 bits: read as a double, such a number is never NaN and keeps its order. */
const MOST_TEXTS = 2 ** 27
/** Fewer are not worth it. */
const FEW = 256

/** Indices 0 … texts.length − 1 in the order of their texts, which are all different. */
export function textOrder(texts: readonly string[]): Int32Array {
  const n = texts.length
  const order = new Int32Array(n)
  const packed = n >= FEW && n < MOST_TEXTS ? packedOf(texts) : undefined
  if (packed === undefined) {
    for (let i = 0; i < n; i++) order[i] = i
    return order.sort((a, b) => compare(texts[a] as string, texts[b] as string))
  }
  packed.sort()
  const halves = new Uint32Array(packed.buffer)
  for (let i = 0; i < n; i++) order[i] = (halves[2 * i] as number) & (MOST_TEXTS - 1)
  // The units alone: equal ones stand together and are put in order by the rest of their texts.
  const units = (i: number): number => (halves[2 * i + 1] as number) * 32 + ((halves[2 * i] as number) >>> 27)
  for (let from = 0, i = 1; i <= n; i++) {
    if (i < n && units(i) === units(from)) continue
    if (i - from > 1) order.subarray(from, i).sort((a, b) => compare(texts[a] as string, texts[b] as string))
    from = i
  }
  return order
}

function packedOf(texts: readonly string[]): Float64Array | undefined {
  const skipped = commonLength(texts)
  const packed = new Float64Array(texts.length)
  const halves = new Uint32Array(packed.buffer)
  for (let i = 0; i < texts.length; i++) {
    const text = texts[i] as string
    let high = 0
    let last = 0
    for (let u = 0; u < UNITS; u++) {
      const at = skipped + u
      // One more than the unit: a text that ends here comes before one that goes on.
      const unit = at < text.length ? text.charCodeAt(at) + 1 : 0
      if (unit >= 1 << UNIT_BITS) return undefined
      if (u < UNITS - 1) high = (high << UNIT_BITS) | unit
      else last = unit
    }
    // 35 bits of units, 27 of the place: 30 above, 32 below.
    halves[2 * i + 1] = (high << 2) | (last >>> 5)
    halves[2 * i] = (((last & 31) << 27) | i) >>> 0
  }
  return packed
}

function commonLength(texts: readonly string[]): number {
  const first = texts[0] as string
  let length = first.length
  for (const text of texts) {
    let same = 0
    while (same < length && text.charCodeAt(same) === first.charCodeAt(same)) same++
    length = same
  }
  return length
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
