/**
 * What all rewriting of a cell shares: the two texts that are edited (run and shipped), the names found so far, and the few
 * edits everything is made of. The layers above it, each knowing those below:
 *
 *   base → names → expressions → functions → blocks → statements → transform.ts
 */
import MagicString from 'magic-string'
import { eraseRange } from '../erase.ts'
import { Scope, type Closure } from '../names.ts'
import { child, eachChild, type Node } from '../syntax.ts'

export interface ImportBinding {
  readonly imported: string | '*' | 'default'
  readonly local: string
  /** Used as a value in this cell: then a missing export is an error. */
  used: boolean
}

export interface StaticImport {
  readonly specifier: string
  readonly bindings: readonly ImportBinding[]
  /** `with { type: 'json' }` and the like are not needed; `export … from` names what it passes on. */
  readonly passes?: readonly { readonly imported: string | '*'; readonly as: string | '*' }[] | undefined
  readonly at: number
}

export interface TransformOptions {
  /** Bare names that stay as they are: properties of globalThis nobody redeclared. */
  readonly isGlobal: (name: string) => boolean
  readonly lang?: 'ts' | 'js' | undefined
  /** Modules show no result and bind no streams. */
  readonly module?: boolean | undefined
}

export interface Place {
  readonly scope: Scope
  readonly closure: Closure | undefined
  /** Functions around; 0 is the cell itself, where await is a yield. */
  readonly depth: number
  /** Where the statements of the block begin: its functions exist from there on. */
  readonly head?: number | undefined
}

export abstract class BaseRewriter {
  protected readonly source: string
  protected readonly program: Node
  protected readonly options: TransformOptions
  protected readonly only: ReadonlySet<string> | undefined
  protected readonly run: MagicString
  protected readonly shipped: MagicString
  protected readonly top: Scope
  protected readonly p: string
  protected readonly closures: Closure[] = []
  protected readonly callees = new Map<number, number>()
  protected readonly imports: StaticImport[] = []
  protected readonly exports = new Map<string, string>()
  protected readonly reads = new Map<string, number>()
  protected readonly declaredAt = new Map<string, number>()
  protected readonly hoisted: string[] = []
  protected readonly resultNode: Node | undefined
  protected counter = 0

  constructor(
    source: string,
    program: Node,
    options: TransformOptions,
    result: Node | undefined,
    only?: ReadonlySet<string>,
  ) {
    this.source = source
    this.program = program
    this.options = options
    this.only = only
    this.run = new MagicString(source)
    this.shipped = new MagicString(source)
    this.top = new Scope(undefined, undefined)
    let p = '$'
    while (new RegExp(`${p.replaceAll('$', '\\$')}(?:[skgci]\\b|[in]\\d)`).test(source)) p += '$'
    this.p = p
    this.resultNode = result
  }

  protected abstract visit(node: Node, place: Place): void
  protected abstract statements(list: readonly Node[], place: Place, program?: boolean): void
  protected abstract block(node: Node, place: Place): void
  protected abstract functionNode(node: Node, place: Place, hint?: string): void
  protected abstract classNode(node: Node, place: Place, hint?: string): void
  protected abstract functionParts(node: Node, place: Place, closure: Closure): void
  protected abstract addClosure(parts: Pick<Closure, 'kind' | 'node' | 'name'>, place: Place): Closure

  protected both(edit: (code: MagicString) => void): void {
    edit(this.run)
    edit(this.shipped)
  }

  protected before(at: number, text: string): void {
    this.run.appendRight(at, text)
  }

  protected after(at: number, text: string): void {
    this.run.appendLeft(at, text)
  }

  protected erase(start: number, end: number): void {
    this.both(code => eraseRange(code, this.source, start, end))
  }

  /** Statements in statement position but not in a list (`if (x) y`) need no semicolon before them. */
  protected plain(node: Node, place: Place): void {
    eachChild(node, each => this.visit(each, place))
  }

  protected visitChild(node: Node, key: string, place: Place): void {
    const found = child(node, key)
    if (found !== undefined) this.visit(found, place)
  }

  protected eraseChild(node: Node, key: string): void {
    const found = child(node, key)
    if (found !== undefined) this.erase(found.start, found.end)
  }

  protected wrapped(node: Node, place: Place): void {
    const inner = child(node, 'expression')
    if (inner === undefined) return
    this.visit(inner, place)
    this.erase(inner.end, node.end)
  }
}
