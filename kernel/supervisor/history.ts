/** What was run: in memory for this session, and in a JSON-lines file for earlier ones. */
import { redacted } from '../../stream/redact.ts'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Json } from './message.ts'

interface Entry {
  readonly session: number
  readonly line: number
  readonly input: string
  output: string | null
}

type Row = [number, number, string | [string, string | null]]

/** A file longer than this is cut to its newest half when a kernel reads it. */
const KEPT_ENTRIES = 20_000

/**
 * `$RIFFLE_HISTORY`, or a file in the user's state folder; empty keeps history in memory only. Like a shell's history it holds what was
 * typed, and only its owner reads it.
 */
export function historyFile(environment: NodeJS.ProcessEnv): string | undefined {
  const named = environment['RIFFLE_HISTORY']
  if (named !== undefined) return named === '' ? undefined : named
  const state = environment['XDG_STATE_HOME']
  return join(state === undefined || state === '' ? join(homedir(), '.local/state') : state, 'riffle/history.jsonl')
}

export class History {
  readonly #file: string | undefined
  readonly #ran = new Map<string, string>()
  /** Read with the first cell or question: starting is quicker without. */
  #read: { readonly entries: Entry[]; readonly session: number } | undefined

  /** `file` keeps what was run across kernels; a file that cannot be read or written is left alone. */
  constructor(file?: string) {
    this.#file = file
  }

  get session(): number {
    return this.#known.session
  }

  get #entries(): Entry[] {
    return this.#known.entries
  }

  get #known(): { readonly entries: Entry[]; readonly session: number } {
    this.#read ??= this.#load()
    return this.#read
  }

  #load(): { readonly entries: Entry[]; readonly session: number } {
    const read = this.#file === undefined ? [] : readEntries(this.#file)
    const entries = read.length > KEPT_ENTRIES ? read.slice(-KEPT_ENTRIES / 2) : read
    const session = read.reduce((last, one) => Math.max(last, one.session), 0) + 1
    if (this.#file !== undefined) {
      // Kernels that start before this one has run a cell see its number taken.
      const taken = lineOf({ session, line: 0, input: '', output: null })
      if (entries.length < read.length)
        attempt(this.#file, file => writeFileSync(file, [...entries.map(lineOf), taken].join(''), MODE))
      else attempt(this.#file, file => appendFileSync(file, taken, MODE))
    }
    return { entries: entries.filter(one => one.line > 0), session }
  }

  add(line: number, input: string): void {
    const entry = { session: this.session, line, input, output: null }
    this.#entries.push(entry)
    if (this.#file !== undefined) attempt(this.#file, file => appendFileSync(file, lineOf(entry), MODE))
  }

  /** Text of the result of the newest cell. */
  output(line: number, text: string): void {
    const entry = this.#entries.findLast(one => one.session === this.session && one.line === line)
    if (entry !== undefined) entry.output = text
  }

  inputs(): readonly { readonly line: number; readonly input: string }[] {
    return this.#entries.filter(one => one.session === this.session)
  }

  /** The cell ran without an error. A cell that runs again keeps its place. */
  ran(cellId: string, input: string): void {
    this.#ran.set(cellId, input)
  }

  /** What `%export` makes a program of. */
  cells(): readonly { readonly id: string; readonly source: string }[] {
    return [...this.#ran].map(([id, source]) => ({ id, source }))
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

const MODE = { mode: 0o600 }

function lineOf({ session, line, input }: Entry): string {
  return `${redacted(JSON.stringify([session, line, input]))}\n`
}

/** History is a convenience: a full disk or a read-only home must not fail a cell. */
function attempt(file: string, write: (file: string) => void): void {
  try {
    mkdirSync(dirname(file), { recursive: true })
    write(file)
  } catch {
    // Kept in memory.
  }
}

function readEntries(file: string): Entry[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return []
  }
  return text.split('\n').flatMap(line => {
    try {
      const [session, number, input] = JSON.parse(line) as [unknown, unknown, unknown]
      const whole = typeof session === 'number' && typeof number === 'number' && typeof input === 'string'
      return whole ? [{ session, line: number, input, output: null }] : []
    } catch {
      // A line cut short by a crash.
      return []
    }
  })
}
