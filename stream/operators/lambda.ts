/** A lambda of a plan made callable, with what error texts need. */
import type { LambdaSlot } from '../plan.ts'
import type { Lambda } from './operator.ts'

export interface LambdaHost {
  revive(slot: LambdaSlot): (...args: never[]) => unknown
  /** Place and message, e.g. `cell-5.ts:3:9 TypeError: …`; a default reads the stack. */
  describeThrow?(slot: LambdaSlot, error: unknown): string
  /** Somebody may look at how operators work inside: they remember what they would show. */
  readonly watched?: boolean | undefined
}

export function lambdaOf(slot: LambdaSlot, host: LambdaHost): Lambda {
  const f = host.revive(slot)
  const text = typeof slot === 'function' ? Function.prototype.toString.call(slot) : slot.text
  return {
    // The plan promises a function of (row, meta); its own parameter types were checked where it was written.
    call: f as unknown as Lambda['call'],
    wantsMeta: f.length > 1 || mayReadMore(text),
    text,
    describe: error => host.describeThrow?.(slot, error) ?? describeThrow(slot, text, error),
  }
}

/** A rest or default parameter, or `arguments`, reads a second argument that `length` does not count. */
function mayReadMore(text: string): boolean {
  const head = text.slice(0, text.indexOf('=>') < 0 ? text.length : text.indexOf('=>'))
  return head.includes('...') || head.includes(',') || /\barguments\b/.test(text)
}

function describeThrow(slot: LambdaSlot, text: string, error: unknown): string {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  const place = typeof slot === 'function' ? placeOf(error) : `${slot.site.cell}:${slot.site.line}`
  const excerpt = typeof slot === 'function' ? firstLine(text) : slot.site.excerpt
  return `${message} in ${excerpt}${place === undefined ? '' : ` (${place})`}`
}

/** The first place in the stack: the lambda is what was called last. */
function placeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.stack === undefined) return undefined
  const frame = error.stack.split('\n').find(line => /^\s+at .*:\d+:\d+\)?$/.test(line))
  return frame === undefined ? undefined : /([^/\\(]+:\d+):\d+\)?$/.exec(frame)?.[1]
}

function firstLine(text: string): string {
  const line = text.split('\n')[0] ?? ''
  return line.length > 60 ? `${line.slice(0, 60)}…` : line
}
