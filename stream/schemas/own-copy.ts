/** A decoded value once more, shared with nobody: whoever gets it may change it. */
export function ownCopy<T>(value: T): T {
  return (typeof value === 'object' && value !== null ? copyOf(value) : value) as T
}

function copyOf(value: object): unknown {
  if (Array.isArray(value)) return value.map(ownCopy)
  if (value instanceof Uint8Array) return value.slice()
  if (value instanceof Date) return new Date(value)
  const copy = { ...value } as Record<string, unknown>
  // Most rows are flat, and then that was all.
  for (const field of Object.values(value)) {
    if (typeof field !== 'object' || field === null) continue
    for (const name of Object.keys(copy)) copy[name] = ownCopy(copy[name])
    return copy
  }
  return copy
}
