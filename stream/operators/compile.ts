/**
 * Small functions made from text where it pays: a reader per field and a maker per row shape get inline caches of their own,
 * so that one pipeline does not slow another (a shared keyed access turns megamorphic after four shapes).
 */

/** `row => row[field]`; throws what reading a property of null throws. */
export function fieldReader(field: string): (row: unknown) => unknown {
  return new Function('row', `return row[${JSON.stringify(field)}]`) as (row: unknown) => unknown
}

/**
 * A function of one array that gives an object with `names` as properties, in that order. Computed names keep `__proto__` an
 * ordinary property.
 */
export function rowMaker(names: readonly string[]): (values: readonly unknown[]) => Record<string, unknown> {
  const properties = names.map((name, i) => `[${JSON.stringify(name)}]: v[${i}]`)
  return new Function('v', `return { ${properties.join(', ')} }`) as (
    values: readonly unknown[],
  ) => Record<string, unknown>
}

const loops = new Map<string, unknown>()
const MOST_LOOPS = 500

/**
 * A loop made from text, one for equal texts: a stream that is started again, or a second one like it, finds the loop as fast as
 * the first has made it.
 */
export function loopFrom<F>(parameters: string, text: string): F {
  const name = `${parameters}\n${text}`
  let loop = loops.get(name)
  if (loop === undefined) {
    if (loops.size >= MOST_LOOPS) loops.clear()
    loop = new Function(parameters, text)
    loops.set(name, loop)
  }
  return loop as F
}
