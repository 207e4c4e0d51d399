/** Asks the kernel what is wrong with a text that is being typed: one comm per kernel connection, answers told apart by number. No DOM. */

export interface EditorProblem {
  readonly from: number
  readonly to: number
  readonly message: string
  readonly level: 'error' | 'warning'
}

export interface AskerComm {
  open(): void
  send(message: object): void
  readonly disposed: boolean
  onMessage(f: (message: unknown) => void): void
}

/** A kernel that is busy starting, or too old to know the question, never answers. */
const GIVE_UP_MS = 10_000
const MOST_PROBLEMS = 100

export class ProblemAsker {
  readonly #makeComm: () => AskerComm
  readonly #waiting = new Map<number, (problems: readonly EditorProblem[] | null) => void>()
  #comm: AskerComm | null = null
  #asked = 0

  constructor(makeComm: () => AskerComm) {
    this.#makeComm = makeComm
  }

  /** Null when no answer came. */
  problems(code: string, cellId: string): Promise<readonly EditorProblem[] | null> {
    const ask = ++this.#asked
    return new Promise(resolve => {
      const timer = setTimeout(() => this.#answer(ask, null), GIVE_UP_MS)
      this.#waiting.set(ask, problems => {
        clearTimeout(timer)
        resolve(problems)
      })
      this.#open().send({ type: 'check', ask, cellId, code })
    })
  }

  dispose(): void {
    for (const ask of [...this.#waiting.keys()]) this.#answer(ask, null)
    this.#comm = null
  }

  /** A restart throws a comm away without a word. */
  #open(): AskerComm {
    if (this.#comm !== null && !this.#comm.disposed) return this.#comm
    const comm = this.#makeComm()
    this.#comm = comm
    comm.onMessage(message => this.#receive(message))
    comm.open()
    return comm
  }

  #receive(message: unknown): void {
    if (typeof message !== 'object' || message === null) return
    const { type, ask, problems } = message as Record<string, unknown>
    if (type !== 'problems' || typeof ask !== 'number' || !Array.isArray(problems)) return
    this.#answer(ask, problems.slice(0, MOST_PROBLEMS).filter(isProblem))
  }

  #answer(ask: number, problems: readonly EditorProblem[] | null): void {
    this.#waiting.get(ask)?.(problems)
    this.#waiting.delete(ask)
  }
}

function isProblem(value: unknown): value is EditorProblem {
  if (typeof value !== 'object' || value === null) return false
  const { from, to, message, level } = value as Record<string, unknown>
  const numbers = Number.isInteger(from) && Number.isInteger(to) && Number(from) >= 0
  return numbers && typeof message === 'string' && (level === 'error' || level === 'warning')
}
