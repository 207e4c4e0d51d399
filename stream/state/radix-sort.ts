/**
 * Order of whole numbers by counting digits: comparing them one by one costs more than adding them to a window did. Each pass is a
 * function of its own: it is called often enough to be compiled, where one long function would run a few times and stay slow.
 */
const DIGITS = 2048

/** Indices 0 … values.length − 1 in the order of their values; equal values keep the order of `from` (default: of the indices). */
export function orderOf(values: Int32Array, from?: Int32Array): Int32Array {
  const n = values.length
  let order: Int32Array = from ?? upTo(n)
  let other: Int32Array = new Int32Array(n)
  const counts = new Int32Array(DIGITS)
  for (let shift = 0; shift < 32; shift += 11) {
    // The sign bit turned around: negative values come first.
    const flip = shift === 22 ? 0x200 : 0
    counts.fill(0)
    countDigits(values, shift, flip, counts)
    if (n === 0 || counts[((((values[0] as number) >>> shift) & 2047) ^ flip) as number] === n) continue
    startsOf(counts)
    scatter(values, order, other, shift, flip, counts)
    const spare = order === from ? new Int32Array(n) : order
    order = other
    other = spare
  }
  return order
}

function upTo(n: number): Int32Array {
  const order = new Int32Array(n)
  for (let i = 0; i < n; i++) order[i] = i
  return order
}

function countDigits(values: Int32Array, shift: number, flip: number, counts: Int32Array): void {
  for (let i = 0; i < values.length; i++) {
    const digit = (((values[i] as number) >>> shift) & 2047) ^ flip
    counts[digit] = (counts[digit] as number) + 1
  }
}

function startsOf(counts: Int32Array): void {
  let sum = 0
  for (let d = 0; d < DIGITS; d++) {
    const count = counts[d] as number
    counts[d] = sum
    sum += count
  }
}

function scatter(
  values: Int32Array,
  order: Int32Array,
  to: Int32Array,
  shift: number,
  flip: number,
  starts: Int32Array,
): void {
  for (let i = 0; i < order.length; i++) {
    const index = order[i] as number
    const digit = (((values[index] as number) >>> shift) & 2047) ^ flip
    const at = starts[digit] as number
    starts[digit] = at + 1
    to[at] = index
  }
}
