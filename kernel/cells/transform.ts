/**
 * A TypeScript cell (or local module) → the body of a generator that runs in this thread.
 *
 *   const total: number = await sum(rows)   →   ;     $s.total         = (yield $c.w((0, $s.sum)($s.rows), 22))
 *
 * Edits are made in place, so lines stay and columns are mapped. Names declared at the top, and names nobody declares, are
 * properties of the scope object `$s`: any redeclaration works, and closures see re-assignment. A top-level await is a yield: the
 * driver resumes the generator under break-on-SIGINT, so a loop after an await can be stopped. Loops look at the shared
 * flag `$g[0]` (about 1 ns), which also reaches loops in timers and async functions.
 *
 * Two kinds of edits: those for both texts (types erased) and those for running only (`$s.`, guards, yields). The text of a
 * lambda that is shipped to the engine has the first kind only.
 */
import type MagicString from 'magic-string'
import { eraseStatement, isTypeOnly, NotErasable, refuseCode } from './erase.ts'
import { lower, type LineMap } from './lower.ts'
import { declareBlock, declareVars, Scope, type Closure, type NameKind } from './names.ts'
import type { Place, StaticImport, TransformOptions } from './rewrite/base.ts'
import { StatementRewriter } from './rewrite/statements.ts'
import { child, children, claims, eachChild, parseSource, textOf, type Node } from './syntax.ts'

export type { ImportBinding, StaticImport, TransformOptions } from './rewrite/base.ts'

export interface Transformed {
  /** JavaScript: `(function* ($s, $k, $g, $c) { … })`. */
  readonly code: string
  /** The text the edits were made in: the cell, or what esbuild made of it. */
  readonly source: string
  readonly edits: MagicString
  /** Characters put before the first line. */
  readonly prefixLength: number
  /** Lines and columns of `source` in the given text, when esbuild came between. */
  readonly lowered: LineMap | undefined
  readonly imports: readonly StaticImport[]
  /** Exported name → notebook name. */
  readonly exports: ReadonlyMap<string, string>
  readonly declared: ReadonlyMap<string, NameKind>
  /** First offsets at which a top-level name is read before it is declared in this cell. */
  readonly readsBeforeDeclaration: ReadonlyMap<string, number>
  /** Names that start undefined each run: `var` keeps an older value, an enum must not. */
  readonly fresh: readonly string[]
  readonly closures: readonly Closure[]
  /** End of a rewritten callee → its start: V8 places `(0, $s.f)()` at the parenthesis, the user expects `f`. */
  readonly callees: ReadonlyMap<number, number>
  /** Text of a closure with types erased only. */
  readonly ship: (closure: Closure) => string
}

export class CellSyntaxError extends SyntaxError {
  readonly at: number
  constructor(message: string, at: number) {
    super(message)
    this.name = 'SyntaxError'
    this.at = at
  }
}

export function transform(typed: string, options: TransformOptions): Transformed {
  const parsed = parseSource(typed, options.lang)
  const problem = parsed.problems[0]
  if (problem !== undefined) throw new CellSyntaxError(problem.message, problem.at)
  try {
    return new Transformer(typed, parsed.program, options, shownBy(typed, parsed.program, options)).result(
      undefined,
      [],
    )
  } catch (error) {
    if (!(error instanceof NotErasable)) throw error
  }
  const scope = new Scope(undefined, undefined)
  const statements = children(parsed.program, 'body')
  declareBlock(scope, statements)
  declareVars(scope, parsed.program)
  const lowered = lower(typed, options.module === true ? undefined : resultOf(typed, statements))
  const again = parseSource(lowered.code, 'js')
  const only = new Set(scope.names.keys())
  const enums = [...scope.names].filter(([, kind]) => kind === 'enum').map(([name]) => name)
  return new Transformer(lowered.code, again.program, options, undefined, only).result(lowered.map, enums)
}

function shownBy(source: string, program: Node, options: TransformOptions): Node | undefined {
  return options.module === true ? undefined : resultOf(source, children(program, 'body'))
}

/** The expression whose value a cell shows: its last statement, unless a semicolon ends it. */
function resultOf(source: string, statements: readonly Node[]): Node | undefined {
  const last = statements.at(-1)
  if (last?.type !== 'ExpressionStatement' || source[last.end - 1] === ';') return undefined
  return child(last, 'expression')
}

class Transformer extends StatementRewriter {
  result(lowered: LineMap | undefined, fresh: readonly string[]): Transformed {
    const statements = children(this.program, 'body')
    const everything = new Scope(undefined, undefined)
    declareBlock(everything, statements)
    declareVars(everything, this.program)
    for (const [name, kind] of everything.names) {
      if (this.only === undefined || this.only.has(name)) this.top.names.set(name, kind)
    }
    // What esbuild added (helpers) stays local to the generator.
    const hidden = new Scope(this.top, undefined)
    for (const [name, kind] of everything.names) if (!this.top.names.has(name)) hidden.names.set(name, kind)
    const hashbang = child(this.program, 'hashbang')
    if (hashbang !== undefined) this.erase(hashbang.start, hashbang.end)
    const place: Place = { scope: hidden, closure: undefined, depth: 0 }
    this.statements(statements, place, true)
    const { p } = this
    const prefix = `(function* (${p}s, ${p}k, ${p}g, ${p}c) { 'use strict';${this.hoisted.join('')}`
    const code = `${prefix}${this.run.toString()}\n})`
    const before = new Map([...this.reads].filter(([name, at]) => at < (this.declaredAt.get(name) ?? -1)))
    return {
      code,
      source: this.source,
      edits: this.run,
      prefixLength: prefix.length,
      lowered,
      imports: this.imports,
      exports: this.exports,
      declared: this.top.names,
      readsBeforeDeclaration: before,
      fresh,
      closures: this.closures,
      callees: this.callees,
      ship: shipper(this.shipped),
    }
  }

  protected override visit(node: Node, place: Place): void {
    refuseCode(node)
    switch (node.type) {
      case 'Identifier':
        return this.reference(node, place)
      case 'VariableDeclaration':
        return this.variables(node, place, 'statement')
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        return this.functionNode(node, place)
      case 'ClassDeclaration':
      case 'ClassExpression':
        return this.classNode(node, place)
      case 'BlockStatement':
      case 'StaticBlock':
        return this.block(node, place)
      case 'SwitchStatement':
        return this.switchStatement(node, place)
      case 'CatchClause':
        return this.catchClause(node, place)
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
      case 'WhileStatement':
      case 'DoWhileStatement':
        return this.loop(node, place, node)
      case 'LabeledStatement':
        return this.labeled(node, place, node)
      case 'BreakStatement':
      case 'ContinueStatement':
        return
      case 'CallExpression':
        return this.call(node, place)
      case 'TaggedTemplateExpression':
        return this.tagged(node, place)
      case 'MemberExpression':
        this.visitChild(node, 'object', place)
        if (claims(node, 'computed')) this.visitChild(node, 'property', place)
        return
      case 'Property':
        return this.property(node, place)
      case 'AssignmentExpression':
        return this.assignment(node, place)
      case 'UpdateExpression':
        return this.target(child(node, 'argument'), place, 'assign')
      case 'UnaryExpression':
        return this.unary(node, place)
      case 'AwaitExpression':
        return this.await(node, place)
      case 'ImportExpression':
        this.run.update(node.start, node.start + 6, `${this.p}c.i`)
        return eachChild(node, each => this.visit(each, place))
      case 'MetaProperty':
        if (textOf(child(node, 'meta'), 'name') === 'import') this.run.update(node.start, node.end, `${this.p}c.meta`)
        return
      case 'TSAsExpression':
      case 'TSSatisfiesExpression':
      case 'TSNonNullExpression':
        return this.wrapped(node, place)
      case 'TSTypeAssertion': {
        const inner = child(node, 'expression')
        if (inner === undefined) return
        this.erase(node.start, inner.start)
        return this.visit(inner, place)
      }
      case 'TSInstantiationExpression':
        this.visitChild(node, 'expression', place)
        return this.eraseChild(node, 'typeArguments')
      case 'ParenthesizedExpression':
        return this.visitChild(node, 'expression', place)
      default:
        if (isTypeOnly(node)) return this.both(code => eraseStatement(code, this.source, node))
        if (node.type.startsWith('TS')) return this.erase(node.start, node.end)
        return this.plain(node, place)
    }
  }
}

function shipper(shipped: MagicString): (closure: Closure) => string {
  return closure => {
    // A function that is a statement of its own has the statement's semicolon before it.
    const text = shipped.slice(closure.node.start, closure.node.end).replace(/^;/, '')
    return closure.kind === 'method' ? `({ ${text} }).${closure.name}` : text
  }
}
