/** What checks of files and specs share: a value that may have been written by anybody. */

/** An object that is no list. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
