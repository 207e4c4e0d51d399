/**
 * Which declaration a name belongs to. Scopes are made while the tree is walked; the names of a scope are collected when it is
 * entered, so that hoisting needs no second walk.
 *
 *   program scope (names of the notebook) ⊃ function ⊃ block ⊃ loop, catch, class …
 */
import { child, children, claims, eachChild, patternNames, startsFunction, textOf, type Node } from './syntax.ts'

export type NameKind = 'const' | 'let' | 'var' | 'function' | 'class' | 'import' | 'param' | 'enum'

/** A function or class of the cell: what it reads from outside, for shipping it as a value. */
export interface Closure {
  readonly id: number
  readonly kind: 'function' | 'class' | 'method'
  readonly node: Node
  /** Own name, when it has one: recursion is no capture. */
  readonly name: string
  readonly parent: Closure | undefined
  /** Free names that are notebook names, API names or names of nobody. */
  readonly scopeNames: Set<string>
  /** Free names declared in an enclosing function or block. */
  readonly localNames: Set<string>
  readonly assigned: { readonly name: string; readonly at: number }[]
}

export class Scope {
  readonly parent: Scope | undefined
  readonly closure: Closure | undefined
  readonly names = new Map<string, NameKind>()

  constructor(parent: Scope | undefined, closure: Closure | undefined) {
    this.parent = parent
    this.closure = closure
  }

  find(name: string): Scope | undefined {
    if (this.names.has(name)) return this
    return this.parent?.find(name)
  }

  declare(kind: NameKind, names: Iterable<string>): void {
    for (const name of names) this.names.set(name, kind)
  }
}

/** Declares what the statements of one block declare for that block: let, const, class, function. */
export function declareBlock(scope: Scope, statements: readonly Node[]): void {
  for (const each of statements) {
    const statement = exported(each)
    if (claims(statement, 'declare')) continue
    if (statement.type === 'VariableDeclaration') {
      const kind = textOf(statement, 'kind')
      if (kind === 'var') continue
      const names = children(statement, 'declarations').flatMap(d => patternNames(child(d, 'id')))
      scope.declare(kind === 'let' ? 'let' : 'const', names)
    } else if (statement.type === 'FunctionDeclaration' && child(statement, 'id') !== undefined) {
      scope.declare('function', [textOf(child(statement, 'id'), 'name')])
    } else if (statement.type === 'ClassDeclaration' && child(statement, 'id') !== undefined) {
      scope.declare('class', [textOf(child(statement, 'id'), 'name')])
    } else if (statement.type === 'TSEnumDeclaration' || statement.type === 'TSModuleDeclaration') {
      scope.declare('enum', [textOf(child(statement, 'id'), 'name')])
    } else if (statement.type === 'ImportDeclaration' && textOf(statement, 'importKind') !== 'type') {
      for (const specifier of children(statement, 'specifiers')) {
        if (textOf(specifier, 'importKind') !== 'type') {
          scope.declare('import', [textOf(child(specifier, 'local'), 'name')])
        }
      }
    }
  }
}

/** Declares every `var` below `node` that belongs to its function. */
export function declareVars(scope: Scope, node: Node): void {
  eachChild(node, each => {
    if (startsFunction(each) || each.type === 'StaticBlock' || each.type === 'PropertyDefinition') return
    if (each.type.startsWith('TS')) return
    if (each.type === 'VariableDeclaration' && textOf(each, 'kind') === 'var' && !claims(each, 'declare')) {
      scope.declare(
        'var',
        children(each, 'declarations').flatMap(d => patternNames(child(d, 'id'))),
      )
    }
    declareVars(scope, each)
  })
}

/** `export const x = 1` counts as `const x = 1`. */
export function exported(statement: Node): Node {
  const inner = statement.type.startsWith('Export') ? child(statement, 'declaration') : undefined
  return inner ?? statement
}

/** Notes a free name in every closure between its use and its declaration. */
export function noteUse(from: Closure | undefined, owner: Scope | undefined, name: string, local: boolean): void {
  for (let closure = from; closure !== undefined && closure !== owner?.closure; closure = closure.parent) {
    if (closure.name === name) continue
    if (local) closure.localNames.add(name)
    else closure.scopeNames.add(name)
  }
}

export function noteAssignment(from: Closure | undefined, owner: Scope | undefined, name: string, at: number): void {
  for (let closure = from; closure !== undefined && closure !== owner?.closure; closure = closure.parent) {
    closure.assigned.push({ name, at })
  }
}
