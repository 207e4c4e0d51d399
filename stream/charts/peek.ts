/**
 * Records of a topic as lines of text for the topic browser. Nothing of them is anybody's HTML, and what would not be seen or would turn
 * the writing direction (control characters, bidirectional marks) is written as its escape, so that two records that differ look different.
 */
import { shortened } from '../shown-text.ts'
import { escapeUnseen } from './columns.ts'

const LINE_LIMIT = 300

/** One decoded row as one line: JSON, with bytes as hex, dates as ISO text and big integers with their `n`. */
export function peekLine(row: unknown): string {
  const text = escapeUnseen(typeof row === 'string' ? row : jsonOf(row))
  return shortened(text, LINE_LIMIT)
}

function jsonOf(row: unknown): string {
  try {
    return JSON.stringify(row, (_, value: unknown) => plain(value)) ?? String(row)
  } catch {
    return '[a record that refers to itself]'
  }
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (value instanceof Map) return Object.fromEntries(value)
  if (value instanceof Set) return [...value]
  if (ArrayBuffer.isView(value)) return hexOf(value)
  return value
}

function hexOf({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  const shown = new Uint8Array(buffer, byteOffset, Math.min(byteLength, LINE_LIMIT))
  return `0x${Array.from(shown, byte => byte.toString(16).padStart(2, '0')).join('')}`
}
