/**
 * The state of a detector as JSON, taken from its fields: a detector made anew with the same options has the same shape, so
 * `writeState` fills it in place. Fields hold numbers, text, booleans, arrays, typed arrays, plain objects and objects of
 * classes that follow the same rule; a function is configuration and stays.
 */
type Dumped = number | string | boolean | null | readonly Dumped[] | { readonly [name: string]: Dumped }

const arrays = { f64: Float64Array, i32: Int32Array, u8: Uint8Array } as const

export function readState(value: unknown): Dumped {
  // JSON has no Infinity, NaN, -0 and undefined.
  if (typeof value === 'number')
    return Number.isFinite(value) && !Object.is(value, -0) ? value : { $n: numberText(value) }
  if (value === undefined) return { $u: 0 }
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  for (const [name, kind] of Object.entries(arrays)) {
    if (value instanceof kind) return { [`$${name}`]: Array.from(value, readState) }
  }
  if (Array.isArray(value)) return value.map(readState)
  const fields = Object.entries(value as object).filter(([, field]) => typeof field !== 'function')
  return Object.fromEntries(fields.map(([name, field]) => [name, readState(field)]))
}

/** Fills `target` with what `readState` gave; returns what takes its place where it cannot be filled. */
export function writeState(target: unknown, state: unknown): unknown {
  if (typeof state !== 'object' || state === null) return state
  if (Array.isArray(state)) {
    const old: readonly unknown[] = Array.isArray(target) ? target : []
    return state.map((item, i) => writeState(old[i], item))
  }
  const fields = state as Readonly<Record<string, unknown>>
  if ('$n' in fields) return fields['$n'] === '-0' ? -0 : Number(fields['$n'])
  if ('$u' in fields) return undefined
  for (const [name, kind] of Object.entries(arrays)) {
    const values = fields[`$${name}`]
    if (Array.isArray(values)) return kind.from(values.map(v => writeState(undefined, v) as number))
  }
  const object = (typeof target === 'object' && target !== null ? target : {}) as Record<string, unknown>
  for (const [name, field] of Object.entries(fields)) object[name] = writeState(object[name], field)
  return object
}

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}
