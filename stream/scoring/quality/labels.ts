/** Labels by event time, in a file beside the notebook: they outlive streams, models and recordings. NAB's window format. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { StreamError } from '../../errors.ts'
import { parseInstant } from './instant.ts'

export interface LabelRange {
  readonly fromMs: number
  /** Inclusive. */
  readonly toMs: number
}

export class Labels {
  readonly file: string
  private ranges: readonly LabelRange[]

  /** @internal Made by `labels`. */
  constructor(file: string) {
    this.file = resolve(file)
    this.ranges = read(this.file)
  }

  /** Ranges in order, without overlap. */
  get list(): readonly LabelRange[] {
    return this.ranges
  }

  /** From and to: epoch ms, a Date or ISO text with an offset; both inclusive. Written at once; ranges that touch become one. */
  add(from: number | Date | string, to: number | Date | string): this {
    const range = { fromMs: parseInstant(from), toMs: parseInstant(to) }
    if (!(range.fromMs <= range.toMs))
      throw invalid(this.file, `a label ends before it begins (${String(from)} to ${String(to)})`)
    this.ranges = merged([...this.ranges, range])
    return this.write()
  }

  /** Takes away every range that holds the instant. */
  remove(at: number | Date | string): this {
    const atMs = parseInstant(at)
    this.ranges = this.ranges.filter(({ fromMs, toMs }) => atMs < fromMs || atMs > toMs)
    return this.write()
  }

  has(eventTimeMs: number): boolean {
    return this.ranges.some(({ fromMs, toMs }) => eventTimeMs >= fromMs && eventTimeMs <= toMs)
  }

  private write(): this {
    const windows = this.ranges.map(({ fromMs, toMs }) => [
      new Date(fromMs).toISOString(),
      new Date(toMs).toISOString(),
    ])
    try {
      writeFileSync(this.file, `${JSON.stringify({ windows }, null, 1)}\n`)
    } catch (error) {
      throw new StreamError({
        code: 'SCORE_INVALID',
        message: `Cannot write labels to "${this.file}": ${(error as Error).message}`,
        hint: 'Make its folder writable',
      })
    }
    return this
  }
}

/**
 * The labels of FILE, a new file when it is not there.
 *
 * @throws StreamError SCORE_INVALID when the file is something else
 * @example
 * ```ts
 * labels('sensors.labels.json').add('2026-01-01T09:05:00Z', '2026-01-01T09:06:00Z')
 * ```
 */
export function labels(file: string): Labels {
  return new Labels(file)
}

function read(file: string): LabelRange[] {
  if (!existsSync(file)) return []
  try {
    const json = JSON.parse(readFileSync(file, 'utf8')) as { windows?: unknown }
    if (!Array.isArray(json.windows)) throw new Error('it has no list "windows"')
    const ranges = (json.windows as [string, string][]).map(([from, to]) => ({
      fromMs: parseInstant(from),
      toMs: parseInstant(to),
    }))
    return merged(ranges)
  } catch (error) {
    throw invalid(file, (error as Error).message)
  }
}

function merged(ranges: readonly LabelRange[]): LabelRange[] {
  const result: { fromMs: number; toMs: number }[] = []
  for (const { fromMs, toMs } of [...ranges].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = result.at(-1)
    if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs)
    else result.push({ fromMs, toMs })
  }
  return result
}

function invalid(file: string, why: string): StreamError {
  return new StreamError({
    code: 'SCORE_INVALID',
    message: `Cannot use labels of "${file}": ${why}`,
    hint: '{ "windows": [["2026-01-01T09:05:00Z", "2026-01-01T09:06:00Z"]] }',
  })
}
