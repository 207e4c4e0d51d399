/** Values of a stream as short text for people: keys and rows of pictures, names beside a lane, cells of a text table. */
const MOST = 160

/** At most `limit` characters, the last of them an ellipsis where some are missing. */
export function shortened(text: string, limit = MOST): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`
}

/** Null: there is no key. */
export function keyText(key: unknown): string | null {
  if (key === undefined) return null
  return typeof key === 'string' ? shortened(key) : rowText(key)
}

/** As JSON; big integers as text. */
export function rowText(row: unknown): string {
  try {
    return shortened(
      JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)) ?? String(row),
    )
  } catch {
    return shortened(String(row))
  }
}
