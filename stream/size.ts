/** Sizes as people write them: `64kB`, `10MB`, `1GB` (powers of 1000), or a number of bytes. */
import { StreamError } from './errors.ts'

const units: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 }

/** Bytes. Throws OPTION_INVALID. */
export function parseSize(size: string | number): number {
  if (typeof size === 'number' && Number.isInteger(size) && size > 0) return size
  const match = /^(\d+(?:\.\d+)?)\s*([kMGT]?B)$/.exec(String(size))
  const bytes = match === null ? 0 : Math.round(Number(match[1]) * units[match[2]!]!)
  if (bytes > 0) return bytes
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot read size "${size}": a number with a unit is needed`,
    hint: '64kB, 10MB, 1GB',
  })
}
