/**
 * Errors as the user should read them: their file, line and column as typed, no frame of the kernel, no `$s.`. The
 * stack is put together when it is first read, so `console.log(error)` in a cell shows the same as an uncaught error.
 */
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { sep } from 'node:path'
import { StreamError } from '../../stream/errors.ts'
import { Interrupted } from './interrupt.ts'
import type { Origin, Origins, Place } from './positions.ts'
import type { CellError } from './protocol.ts'
import { CellSyntaxError } from './transform.ts'

interface Where {
  readonly origin: Origin
  readonly place: Place
}

/** First place in the user's text, by error. */
const firstPlaces = new WeakMap<object, Where>()

/** `(0 , $s.f) is not a function` → `f is not a function`. */
export function cleanText(text: string): string {
  if (!text.includes('$')) return text
  return text
    .replace(/\(0\s?,\s?(\$+[sk]\.[^)]*)\)/g, '$1')
    .replace(/\(intermediate value\)\.(?=\$)/g, '')
    .replace(/(?<![\w$])\$+[sk]\./g, '')
}

/** Cleans a caught error in place: what the user's catch block reads. */
export function cleanError(error: unknown): void {
  try {
    if (!(error instanceof Error) || !error.message.includes('$')) return
    const clean = cleanText(error.message)
    if (clean !== error.message) error.message = clean
  } catch {
    // A frozen error or a Proxy: left as it is.
  }
}

function packageFolder(): string {
  const here = fileURLToPath(import.meta.url)
  for (const part of [`${sep}dist${sep}`, `${sep}kernel${sep}cells${sep}`]) {
    const at = here.lastIndexOf(part)
    if (at >= 0) return here.slice(0, at + 1)
  }
  return here
}

const root = packageFolder()
const ownFolders = ['dist', 'kernel', 'stream', 'magics', 'node_modules'].map(name => `${root}${name}${sep}`)

function isOwn(file: string): boolean {
  const path = file.startsWith('file:') ? fileURLToPath(file) : file
  return ownFolders.some(folder => path.startsWith(folder))
}

function frameText(frame: NodeJS.CallSite, at: string): string {
  const raw = frame.getFunctionName()
  const name = raw === null ? '' : cleanText(raw)
  const type = frame.isToplevel() ? null : frame.getTypeName()
  const method = type !== null && type !== 'Object' && name !== '' && !name.includes('.') ? `${type}.${name}` : name
  const called = frame.isConstructor() ? `new ${name}` : method
  const words = frame.isAsync() ? `async ${called}`.trimEnd() : called
  return words === '' ? `    at ${at}` : words === 'async' ? `    at async ${at}` : `    at ${words} (${at})`
}

export function installStackTraces(origins: Origins): void {
  Error.stackTraceLimit = 30
  Error.prepareStackTrace = (error, frames) => {
    cleanError(error)
    const lines: { text: string; mine: boolean }[] = []
    for (const frame of frames) {
      const file = frame.getFileName() ?? ''
      const origin = origins.find(file)
      if (origin === undefined) {
        if (file === '' || isOwn(file)) continue
        lines.push({ text: `    at ${String(frame)}`, mine: false })
        continue
      }
      const place = origin.place(frame.getLineNumber() ?? 1, frame.getColumnNumber() ?? 1)
      if (place === undefined) continue
      if (!firstPlaces.has(error)) firstPlaces.set(error, { origin, place })
      lines.push({ text: frameText(frame, `${origin.label}:${place.line}:${place.column}`), mine: true })
    }
    // Below the user's last frame only the kernel's way of calling it follows.
    const last = lines.findLastIndex(line => line.mine)
    const kept = last >= 0 ? lines.slice(0, last + 1) : lines.filter(line => !/[ (]node:/.test(line.text))
    return [headOf(error), ...kept.map(line => line.text)].join('\n')
  }
}

function headOf(error: unknown): string {
  try {
    return cleanText(Error.prototype.toString.call(error))
  } catch {
    return 'Error'
  }
}

/** Three lines of what was typed around the place, with a caret. */
function excerpt(where: Where): string[] {
  const lines = where.origin.typed.split('\n')
  const { line, column } = where.place
  const from = Math.max(1, line - 2)
  const width = String(line).length
  const shown: string[] = []
  for (let at = from; at <= line; at++) shown.push(`  ${String(at).padStart(width)} | ${lines[at - 1] ?? ''}`)
  const before = (lines[line - 1] ?? '').slice(0, column - 1).replace(/[^\t]/g, ' ')
  shown.push(`  ${' '.repeat(width)} | ${before}^`)
  return shown
}

/** An error made by the kernel about a place in the cell: a missing package, a refused name. */
export function placeError(error: object, origin: Origin, offset: number): void {
  firstPlaces.set(error, { origin, place: origin.placeOf(offset) })
}

function nameOf(error: Error): string {
  const own = typeof error.name === 'string' && error.name !== '' ? error.name : 'Error'
  if (own !== 'Error') return own
  const made = (error as { constructor?: { name?: unknown } }).constructor?.name
  return typeof made === 'string' && made !== '' ? made : own
}

function safeInspect(value: unknown): string {
  try {
    return cleanText(inspect(value, { depth: 4 }))
  } catch {
    return '[value that cannot be shown]'
  }
}

const red = (text: string): string => `\u001b[31m${text}\u001b[39m`

/** `awaiting` is where the cell waited when an error without a frame of its own came in. */
export function toCellError(
  error: unknown,
  awaiting?: { readonly origin: Origin; readonly offset: number },
): CellError {
  if (!(error instanceof Error)) return thrownValue(error, awaiting)
  let stack = ''
  try {
    stack = String(error.stack ?? '')
  } catch {
    // A getter of the user's class threw.
  }
  cleanError(error)
  const ename = nameOf(error)
  const evalue = messageOf(error)
  const known = firstPlaces.get(error)
  const place = awaiting === undefined ? undefined : awaiting.origin.placeOf(awaiting.offset)
  const where =
    known ?? (awaiting !== undefined && place !== undefined ? { origin: awaiting.origin, place } : undefined)
  const head = `${red(ename)}: ${evalue}`
  const shown = where === undefined ? [] : excerpt(where)
  if (error instanceof CellSyntaxError)
    return { ename: 'SyntaxError', evalue, traceback: [head, ...at(where), ...shown] }
  const frames = shortened(stack.split('\n').filter(line => line.startsWith('    at ')))
  if (awaiting !== undefined && place !== undefined) {
    // The driver awaits for the cell, so the engine's own async frames end above it.
    const waited = label({ origin: awaiting.origin, place })
    if (!frames.some(line => line.includes(waited))) frames.push(`    at async ${waited}`)
  }
  if (frames.length === 0 && where !== undefined) frames.push(`    at ${label(where)}`)
  return { ename, evalue, traceback: [head, ...facts(error), ...shown, ...frames, ...more(error)] }
}

/** Endless recursion shows a few of its equal frames. */
function shortened(frames: readonly string[]): string[] {
  const kept: string[] = []
  let repeated = 0
  const close = (): void => {
    if (repeated > 0) kept.push(`    … ${repeated} more`)
    repeated = 0
  }
  for (const frame of frames) {
    if (kept.length >= 3 && kept.slice(-3).every(each => each === frame)) repeated++
    else {
      close()
      kept.push(frame)
    }
  }
  close()
  return kept
}

function thrownValue(value: unknown, awaiting: { origin: Origin; offset: number } | undefined): CellError {
  const evalue = typeof value === 'string' ? value : safeInspect(value)
  const place = awaiting?.origin.placeOf(awaiting.offset)
  const shown = awaiting === undefined || place === undefined ? [] : excerpt({ origin: awaiting.origin, place })
  return { ename: 'Thrown', evalue, traceback: [`${red('Thrown')}: ${evalue}`, ...shown] }
}

function messageOf(error: Error): string {
  try {
    return cleanText(String(error.message))
  } catch {
    return ''
  }
}

function label(where: Where): string {
  return `${where.origin.label}:${where.place.line}:${where.place.column}`
}

function at(where: Where | undefined): string[] {
  return where === undefined ? [] : [`    at ${label(where)}`]
}

function facts(error: Error): string[] {
  if (!(error instanceof StreamError)) return []
  const lines: string[] = []
  if (error.detail !== undefined) lines.push(`  ${error.detail}`)
  if (error.hint !== undefined) lines.push(`  Hint: ${error.hint}`)
  return lines
}

const plainFields = new Set([
  'stack',
  'message',
  'name',
  'cause',
  'errors',
  'code',
  'detail',
  'rule',
  'hint',
  'retriable',
])

/** Own fields, cause and the errors of an AggregateError. */
function more(error: Error): string[] {
  if (error instanceof Interrupted) return []
  const lines: string[] = []
  const code = (error as { code?: unknown }).code
  if (typeof code === 'string' && !(error instanceof StreamError)) lines.push(`  code: ${code}`)
  for (const key of Object.keys(error)) {
    if (plainFields.has(key)) continue
    lines.push(`  ${key}: ${safeInspect((error as unknown as Record<string, unknown>)[key])}`)
  }
  if (error.cause !== undefined) lines.push(...indented('cause', error.cause))
  if (error instanceof AggregateError) {
    for (const [index, each] of (error.errors as unknown[]).entries()) lines.push(...indented(`errors[${index}]`, each))
  }
  return lines
}

function indented(name: string, value: unknown): string[] {
  return `[${name}] ${safeInspect(value)}`.split('\n').map(line => `  ${line}`)
}
