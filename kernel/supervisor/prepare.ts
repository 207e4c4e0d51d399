/** What becomes of a cell before it runs: magics are expanded, then types are checked. */
import { expandCell, hasMagic, UsageError } from '../../magics/index.ts'
import type { CellError, SpanMapping } from '../cells/protocol.ts'
import { typeScriptError } from '../types/problems.ts'
import type { TypeProblem } from '../types/server.ts'
import { errorOf } from './cells-host.ts'
import type { Cell } from './executions.ts'
import type { MagicContext } from './magic-context.ts'

export type TypesMode = 'on' | 'warn' | 'off'

export interface Notice {
  readonly name: 'stdout' | 'stderr'
  readonly text: string
}

export interface PreparedCell {
  readonly source: string
  readonly spans?: readonly SpanMapping[] | undefined
  /** Shown before the cell's own output. */
  readonly notices: readonly Notice[]
  /** Why it does not run. */
  readonly error?: CellError | undefined
  /** Where in the typed text a magic's header or body is wrong: UTF-16 offsets, half-open. */
  readonly place?: { readonly from: number; readonly to: number } | undefined
}

/**
 * A single cell waits this long for its types, counted from when the type server is up (a busy machine starts it late, and the
 * first cell should get the answer the tenth gets); under Run All it waits for the answer.
 */
const CHECK_LIMIT_MS = 2000
const START_LIMIT_MS = 10_000
/** A server that never answers must not stop a notebook for ever. */
const CHECK_GIVE_UP_MS = 30_000

export interface ExpandOptions {
  /** For completion and inspection: a body that does not parse yet stays as it is. */
  readonly lenient?: boolean
}

/** The cell as TypeScript, or the one error that says what is wrong with its header. */
export async function expand(
  cell: Pick<Cell, 'typed' | 'cellId'>,
  context: MagicContext,
  options: ExpandOptions = {},
): Promise<PreparedCell> {
  if (!hasMagic(cell.typed)) return { source: cell.typed, notices: [] }
  try {
    const { source, spans, notices } = expandCell(cell.typed, { ...(await context.of(cell.cellId)), ...options })
    return { source, spans, notices: notices.map(text => ({ name: 'stdout', text })) }
  } catch (error) {
    if (error instanceof UsageError)
      return {
        ...failed({ ename: error.name, evalue: error.message, traceback: error.lines }),
        place: { from: error.start, to: error.end },
      }
    throw error
  }
}

export interface CheckOptions {
  readonly mode: TypesMode
  /** Resolves when the type server is up, or never will be. */
  ready(): Promise<unknown>
  check(): Promise<TypeProblem[] | undefined>
  waiting(): boolean
  readonly cancel: AbortSignal
}

export async function checkTypes(cell: Cell, prepared: PreparedCell, options: CheckOptions): Promise<PreparedCell> {
  if (options.mode === 'off') return prepared
  const problems = await answer(options)
  if (problems === 'cancelled') return failed(errorOf('Interrupted', 'stopped before it ran', []))
  if (problems === 'late')
    return withNotice(prepared, { name: 'stderr', text: 'types unchecked: the type server did not answer in time' })
  if (problems === undefined || problems.length === 0) return prepared
  const error = typeScriptError(problems, cell.typed, prepared.source, prepared.spans)
  if (options.mode === 'on') return failed(error)
  return withNotice(prepared, { name: 'stderr', text: error.traceback.join('\n') })
}

async function answer({
  ready,
  check,
  waiting,
  cancel,
}: CheckOptions): Promise<TypeProblem[] | undefined | 'late' | 'cancelled'> {
  const timers: NodeJS.Timeout[] = []
  const late = new Promise<'late'>(resolve => {
    const alone = (): void => {
      if (!waiting()) resolve('late')
    }
    timers.push(setTimeout(alone, START_LIMIT_MS))
    void ready().then(() => timers.push(setTimeout(alone, CHECK_LIMIT_MS)))
    timers.push(setTimeout(() => resolve('late'), CHECK_GIVE_UP_MS))
  })
  const cancelled = new Promise<'cancelled'>(resolve => {
    if (cancel.aborted) resolve('cancelled')
    cancel.addEventListener('abort', () => resolve('cancelled'))
  })
  try {
    return await Promise.race([check().catch(() => undefined), late, cancelled])
  } finally {
    for (const timer of timers) clearTimeout(timer)
  }
}

function failed(error: CellError): PreparedCell {
  return { source: '', notices: [], error }
}

function withNotice(prepared: PreparedCell, notice: Notice): PreparedCell {
  return { ...prepared, notices: [...prepared.notices, notice] }
}
