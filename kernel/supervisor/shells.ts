/**
 * The notebook's own shell and its subshells (JEP 91). User code has one thread, so a subshell is a second queue whose cells run
 * while those of other shells await: enough for a slider, a `%stop` or a widget to be answered during a long `for await`.
 */
import { randomUUID } from 'node:crypto'
import { Executions } from './executions.ts'
import type { ExecutionsOptions } from './executions.ts'
import { History } from './history.ts'

export type ShellOptions = Omit<ExecutionsOptions, 'history' | 'subshellId' | 'nextModule'>

export class Shells {
  readonly #options: ShellOptions
  readonly #main: Executions
  readonly #subshells = new Map<string, Executions>()
  #modules = 0

  constructor(history: History, options: ShellOptions) {
    this.#options = options
    this.#main = this.#make(history, undefined)
  }

  /** Undefined for the id of a subshell that is not there. */
  get(subshellId: string | undefined): Executions | undefined {
    return subshellId === undefined ? this.#main : this.#subshells.get(subshellId)
  }

  /** The shell that runs this request now. */
  of(requestId: string): Executions | undefined {
    return this.#all().find(shell => shell.running()?.header.msg_id === requestId)
  }

  create(): string {
    const id = randomUUID()
    // A subshell's inputs are remembered as long as it lives.
    this.#subshells.set(id, this.#make(new History(), id))
    return id
  }

  /** Tells whether it was there. */
  delete(id: string): boolean {
    this.#subshells.get(id)?.abandon()
    return this.#subshells.delete(id)
  }

  /** Without the notebook's own shell. */
  list(): readonly string[] {
    return [...this.#subshells.keys()]
  }

  /** Stop is for the whole kernel. With nothing to stop it ends loops of late timers, and harms nobody. */
  interrupt(): void {
    const preparing = this.#all().filter(shell => shell.preparing)
    for (const shell of preparing) shell.interrupt()
    if (preparing.length < this.#all().filter(shell => shell.running() !== undefined).length || preparing.length === 0)
      this.#options.cells.interrupt()
  }

  #all(): readonly Executions[] {
    return [this.#main, ...this.#subshells.values()]
  }

  #make(history: History, subshellId: string | undefined): Executions {
    return new Executions({ ...this.#options, history, subshellId, nextModule: () => (this.#modules += 1) })
  }
}
