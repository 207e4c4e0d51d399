/**
 * Logical types as JavaScript has them: instants are epoch milliseconds (microseconds keep a fraction), dates are `Date` at
 * midnight UTC, decimals are numbers up to fifteen digits and text beyond, a duration is `{ months, days, millis }`.
 */
import { Buffer } from 'node:buffer'
import { AvroFault } from './avro-input.ts'
import { isExact } from './avro-schema.ts'
import type { Logical } from './avro-schema.ts'

const dayMs = 86_400_000

/** The value behind what the bytes say. */
export function fromLogical(logical: Logical, raw: unknown): unknown {
  switch (logical.kind) {
    case 'timestamp-millis':
      return raw
    case 'timestamp-micros':
      return typeof raw === 'bigint' ? Number(raw / 1000n) : (raw as number) / 1000
    case 'date':
      return new Date((raw as number) * dayMs)
    case 'uuid':
      return typeof raw === 'string' ? raw : uuidOf(raw as Uint8Array)
    case 'duration': {
      const view = Buffer.from(raw as Uint8Array)
      return { months: view.readUInt32LE(0), days: view.readUInt32LE(4), millis: view.readUInt32LE(8) }
    }
    case 'decimal': {
      const text = decimalText(raw as Uint8Array, logical.scale)
      return isExact(logical) ? text : Number(text)
    }
  }
}

/** What is written for a value; undefined when it is none of this logical type. */
export function toLogical(logical: Logical, value: unknown, size?: number): unknown {
  switch (logical.kind) {
    case 'timestamp-millis':
    case 'timestamp-micros': {
      if (typeof value === 'bigint') return logical.kind === 'timestamp-millis' ? value : value * 1000n
      const ms = value instanceof Date ? value.getTime() : typeof value === 'string' ? Date.parse(value) : value
      if (typeof ms !== 'number' || !Number.isFinite(ms)) return undefined
      return Math.round(logical.kind === 'timestamp-millis' ? ms : ms * 1000)
    }
    case 'date': {
      const ms = value instanceof Date ? value.getTime() : typeof value === 'string' ? Date.parse(value) : Number.NaN
      return Number.isFinite(ms) ? Math.floor(ms / dayMs) : undefined
    }
    case 'uuid':
      if (typeof value !== 'string' || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)) return undefined
      return size === undefined ? value : new Uint8Array(Buffer.from(value.replaceAll('-', ''), 'hex'))
    case 'duration': {
      if (typeof value !== 'object' || value === null) return undefined
      const { months, days, millis } = value as Record<string, unknown>
      const bytes = Buffer.alloc(12)
      for (const [i, part] of [months, days, millis].entries()) {
        if (typeof part !== 'number' || !Number.isInteger(part) || part < 0 || part > 0xffffffff) return undefined
        bytes.writeUInt32LE(part, 4 * i)
      }
      return new Uint8Array(bytes)
    }
    case 'decimal':
      return decimalBytes(value, logical, size)
  }
}

function uuidOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** Two's complement, big-endian, as decimal text. */
function decimalText(bytes: Uint8Array, scale: number): string {
  // A decimal of ten thousand digits has 4 kB: more is no number, and its text would take seconds.
  if (bytes.length > 4200) throw new AvroFault(`a decimal of ${bytes.length} bytes`)
  const unsigned = bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  const value = BigInt.asIntN(bytes.length * 8, unsigned)
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  return `${value < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(digits.length - scale)}`}`
}

function decimalBytes(
  value: unknown,
  logical: Extract<Logical, { kind: 'decimal' }>,
  size: number | undefined,
): Uint8Array | undefined {
  const text =
    typeof value === 'number' ? plainNumber(value, logical.scale) : typeof value === 'bigint' ? `${value}` : value
  const parts = typeof text === 'string' ? /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) : null
  if (parts === null) return undefined
  const fraction = (parts[3] ?? '').replace(/0+$/, '')
  if (fraction.length > logical.scale) return undefined
  const digits = BigInt(parts[2]! + fraction.padEnd(logical.scale, '0'))
  if (digits.toString().length > logical.precision) return undefined
  const unscaled = parts[1] === '-' ? -digits : digits
  let length = size ?? 1
  if (size === undefined) while (BigInt.asIntN(length * 8, unscaled) !== unscaled) length++
  else if (BigInt.asIntN(length * 8, unscaled) !== unscaled) return undefined
  const hex = BigInt.asUintN(length * 8, unscaled)
    .toString(16)
    .padStart(length * 2, '0')
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

/** Without an exponent. More digits than the scale has are rounded: 0.1 + 0.2 is 0.30. */
function plainNumber(value: number, scale: number): string | undefined {
  return Number.isFinite(value) && Math.abs(value) < 1e15 ? value.toFixed(Math.min(scale, 100)) : undefined
}
