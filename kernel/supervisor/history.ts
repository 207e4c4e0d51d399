/** What was run: in memory for this session, and in a JSON-lines file for earlier ones when the user names one. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import type { Json } from './message.ts'

interface Entry {
  readonly session: number
  readonly line: number
  readonly input: string
  output: string | null
}

type Row = [number, number, string | [string, string | null]]

export class History {
  readonly #entries: Entry[] = []
  readonly #file: string | undefined
  readonly session: number

  /** `file` keeps what was run across kernels; a file that cannot be read or written is left alone. */
  constructor(file?: string) {
    this.#file = file
    let last = 0
    if (file !== undefined && existsSync(file)) {
      for (const text of readFileSync(file, 'utf8').split('\n')) {
        try {
          const [session, line, input] = JSON.parse(text) as [number, number, string]
          this.#entries.push({ session, line, input, output: null })
          last = Math.max(last, session)
        } catch {
          // A line cut short by a crash.
        }
      }
    }
    this.session = last + 1
  }

  add(line: number, input: string): void {
    this.#entries.push({ session: this.session, line, input, output: null })
    if (this.#file === undefined) return
    try {
      appendFileSync(this.#file, `${JSON.stringify([this.session, line, input])}\n`)
    } catch {
      // History is a convenience; a full disk must not fail a cell.
    }
  }

  /** Text of the result of the newest cell. */
  output(line: number, text: string): void {
    const entry = this.#entries.findLast(one => one.session === this.session && one.line === line)
    if (entry !== undefined) entry.output = text
  }

  inputs(): readonly { readonly line: number; readonly input: string }[] {
    return this.#entries.filter(one => one.session === this.session)
  }

  answer(request: Json): Row[] {
    const withOutput = request['output'] === true
    return this.#select(request).map(one => [one.session, one.line, withOutput ? [one.input, one.output] : one.input])
  }

  #select(request: Json): readonly Entry[] {
    const count = typeof request['n'] === 'number' ? Math.max(0, request['n']) : undefined
    const newest = (entries: readonly Entry[]) =>
      count === undefined ? entries : entries.slice(Math.max(0, entries.length - count))
    switch (request['hist_access_type']) {
      case 'range': {
        const wanted = typeof request['session'] === 'number' ? request['session'] : 0
        // 0 is this session, -1 the one before; `stop` is exclusive.
        const session = wanted <= 0 ? this.session + wanted : wanted
        const start = typeof request['start'] === 'number' ? request['start'] : 0
        const stop = typeof request['stop'] === 'number' ? request['stop'] : Infinity
        return this.#entries.filter(one => one.session === session && one.line >= start && one.line < stop)
      }
      case 'search': {
        const pattern = glob(typeof request['pattern'] === 'string' ? request['pattern'] : '*')
        let found = this.#entries.filter(one => pattern.test(one.input))
        if (request['unique'] === true)
          found = found.filter((one, at) => found.findLastIndex(other => other.input === one.input) === at)
        return newest(found)
      }
      default:
        return newest(this.#entries)
    }
  }
}

/** `*` any text, `?` one character, `[…]` a set: the globs of the messaging specification. */
function glob(pattern: string): RegExp {
  const source = pattern.replace(/\[[^\]]+\]|[\s\S]/g, part => {
    if (part === '*') return '[\\s\\S]*'
    if (part === '?') return '[\\s\\S]'
    return part.length > 1 ? part.replace('[!', '[^') : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${source}$`)
}
