/** What a notebook shows of a value, while programs use the value as it is. */

/** A method of this name gives a value's MIME bundle. */
export const DISPLAY: unique symbol = Symbol.for('Jupyter.display') as never
/** More than so many positions are told as ranges. */
const SINGLE_POSITIONS = 8

/** The property is hidden: copies, JSON and comparisons see the plain value. */
export function told<T extends object>(value: T, text: string): T {
  return Object.defineProperty(value, DISPLAY, { value: () => ({ 'text/plain': text }) })
}

/** `2 records to orders: 0@0, 2@0`: partition@offset, ranges when there are many. */
export function producedText(
  topic: string,
  positions: readonly { readonly partition: number; readonly offset: bigint }[],
): string {
  const head = `${positions.length} record${positions.length === 1 ? '' : 's'} to ${topic}`
  if (positions.length === 0) return head
  if (positions.length <= SINGLE_POSITIONS)
    return `${head}: ${positions.map(one => `${one.partition}@${one.offset}`).join(', ')}`
  const ranges = new Map<number, [first: bigint, last: bigint]>()
  for (const { partition, offset } of positions) {
    const range = ranges.get(partition)
    if (range === undefined) ranges.set(partition, [offset, offset])
    else ranges.set(partition, [offset < range[0] ? offset : range[0], offset > range[1] ? offset : range[1]])
  }
  const parts = [...ranges].sort(([a], [b]) => a - b)
  return `${head}: ${parts.map(([partition, [first, last]]) => `${partition}@${first}–${last}`).join(', ')}`
}
