/**
 * What surrounds a cell when its types are checked. Each cell that has run is a module that never changes, `cell-5.ts`; the cell
 * in hand is one document whose first line brings in the names it uses, the newest module of each name first:
 *
 *     declare var total: typeof import('./cell-5.ts').total; import { Point } from './cell-3.ts'
 *     …what the user typed…
 *     export { … }
 *
 * Names are declared in the module, not globally: so a notebook may call a variable `name` or `process`, values can be
 * assigned, classes keep their type parameters, and only the document in hand is checked again.
 */
import { declaredNames } from './declared.ts'
import type { Declared } from './declared.ts'

export interface ScopeOptions {
  /** Names that `riffle-kernel` exports: global in a cell. */
  readonly api: readonly string[]
}

export interface CellDocument {
  readonly text: string
  /** Lines before the cell's own first line. */
  readonly lineOffset: number
}

interface Origin {
  readonly module: string
  readonly kind: Declared['kind']
}

export class Scope {
  readonly #api: ReadonlySet<string>
  readonly #names = new Map<string, Origin>()

  constructor(options: ScopeOptions) {
    this.#api = new Set(options.api)
  }

  /** The cell's declarations become visible to later cells; `existing` are the names the notebook has after it ran. */
  remember(module: string, declared: ReadonlyMap<string, Declared>, existing: ReadonlySet<string> | undefined): void {
    for (const [name, { kind }] of declared) {
      // A cell that failed half-way has not made all its variables. Types leave no trace at run time.
      if (kind === 'value' && existing !== undefined && !existing.has(name)) continue
      this.#names.set(name, { module, kind })
    }
  }

  forgetAll(): void {
    this.#names.clear()
  }

  /** The module that declared a name last. */
  moduleOf(name: string): string | undefined {
    return this.#names.get(name)?.module
  }

  forget(name: string): void {
    this.#names.delete(name)
  }

  /** `known` are names the notebook has; those without a module are `any`. `all` brings in every name, for completion. */
  document(
    source: string,
    declared: ReadonlyMap<string, Declared>,
    known: Iterable<string>,
    all: boolean,
  ): CellDocument {
    const words = new Set(source.match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu))
    const wanted = (name: string) => !declared.has(name) && (all || words.has(name))
    const lines: string[] = []
    const notebook = new Set([...known, ...this.#names.keys()])
    const api = [...this.#api].filter(name => wanted(name) && !notebook.has(name))
    if (api.length > 0) lines.push(`import { ${api.join(', ')} } from 'riffle-kernel'`)
    if (wanted('riffle') && !notebook.has('riffle')) lines.push(`import * as riffle from 'riffle-kernel'`)
    for (const name of notebook) {
      if (!wanted(name)) continue
      const origin = this.#names.get(name)
      if (origin === undefined) lines.push(`declare var ${name}: any`)
      else if (origin.kind === 'entity') lines.push(`import { ${name} } from './${origin.module}'`)
      else lines.push(`declare var ${name}: typeof import('./${origin.module}').${name}`)
    }
    return { text: `${lines.join('; ')}\n${source}\n${exportsOf(declared)}`, lineOffset: 1 }
  }
}

function exportsOf(declared: ReadonlyMap<string, Declared>): string {
  const names = [...declared].filter(([, { exported }]) => !exported).map(([name]) => name)
  return `export { ${names.join(', ')} }`
}

export { declaredNames }
