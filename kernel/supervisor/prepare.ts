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
}

/** A single cell waits this long for its types; under Run All it waits for the answer, so that the same notebook gives the same result. */
const CHECK_LIMIT_MS = 2000
/** While waiting, cells that join the queue turn a single cell into Run All; a cell that waits alone for this long runs. */
const CHECK_GIVE_UP_MS = 30_000

/** The cell as TypeScript, or the one error that says what is wrong with its header. */
export async function expand(cell: Pick<Cell, 'typed' | 'cellId'>, context: MagicContext): Promise<PreparedCell> {
  if (!hasMagic(cell.typed)) return { source: cell.typed, notices: [] }
  try {
    const { source, spans, notices } = expandCell(cell.typed, await context.of(cell.cellId))
    return { source, spans, notices: notices.map(text => ({ name: 'stdout', text })) }
  } catch (error) {
    if (error instanceof UsageError) return failed({ ename: error.name, evalue: error.message, traceback: error.lines })
    throw error
  }
}

export interface CheckOptions {
  readonly mode: TypesMode
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
  check,
  waiting,
  cancel,
}: CheckOptions): Promise<TypeProblem[] | undefined | 'late' | 'cancelled'> {
  const timers: NodeJS.Timeout[] = []
  const late = new Promise<'late'>(resolve => {
    timers.push(setTimeout(() => !waiting() && resolve('late'), CHECK_LIMIT_MS))
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
