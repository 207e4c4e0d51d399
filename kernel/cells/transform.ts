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
import MagicString from 'magic-string'
import {
  blank,
  eraseImplements,
  eraseMark,
  eraseModifiers,
  eraseRange,
  eraseReturnType,
  eraseStatement,
  isTypeOnly,
  NotErasable,
  refuseCode,
} from './erase.ts'
import {
  declareBlock,
  declareVars,
  exported,
  noteAssignment,
  noteUse,
  Scope,
  type Closure,
  type NameKind,
} from './names.ts'
import { child, children, claims, eachChild, parseSource, patternNames, textOf, type Node } from './syntax.ts'
import { lower, type LineMap } from './lower.ts'

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

export interface TransformOptions {
  /** Bare names that stay as they are: properties of globalThis nobody redeclared. */
  readonly isGlobal: (name: string) => boolean
  readonly lang?: 'ts' | 'js' | undefined
  /** Modules show no result and bind no streams. */
  readonly module?: boolean | undefined
}

export function transform(typed: string, options: TransformOptions): Transformed {
  const parsed = parseSource(typed, options.lang)
  const problem = parsed.problems[0]
  if (problem !== undefined) throw new CellSyntaxError(problem.message, problem.at)
  try {
    return new Transformer(typed, parsed.program, options).result(undefined, [])
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
  return new Transformer(lowered.code, again.program, options, only).result(lowered.map, enums)
}

/** The expression whose value a cell shows: its last statement, unless a semicolon ends it. */
function resultOf(source: string, statements: readonly Node[]): Node | undefined {
  const last = statements.at(-1)
  if (last?.type !== 'ExpressionStatement' || source[last.end - 1] === ';') return undefined
  return child(last, 'expression')
}

interface Place {
  readonly scope: Scope
  readonly closure: Closure | undefined
  /** Functions around; 0 is the cell itself, where await is a yield. */
  readonly depth: number
  /** Where the statements of the block begin: its functions exist from there on. */
  readonly head?: number | undefined
}

const bareNames = new Set(['arguments', 'undefined'])

class Transformer {
  private readonly source: string
  private readonly program: Node
  private readonly options: TransformOptions
  private readonly only: ReadonlySet<string> | undefined
  private readonly run: MagicString
  private readonly shipped: MagicString
  private readonly top: Scope
  private readonly p: string
  private readonly closures: Closure[] = []
  private readonly callees = new Map<number, number>()
  private readonly imports: StaticImport[] = []
  private readonly exports = new Map<string, string>()
  private readonly reads = new Map<string, number>()
  private readonly declaredAt = new Map<string, number>()
  private readonly hoisted: string[] = []
  private readonly resultNode: Node | undefined
  private counter = 0

  constructor(source: string, program: Node, options: TransformOptions, only?: ReadonlySet<string>) {
    this.source = source
    this.program = program
    this.options = options
    this.only = only
    this.run = new MagicString(source)
    this.shipped = new MagicString(source)
    this.top = new Scope(undefined, undefined)
    let p = '$'
    while (new RegExp(`${p.replaceAll('$', '\\$')}[skgci]\\b`).test(source)) p += '$'
    this.p = p
    this.resultNode = options.module === true ? undefined : resultOf(source, children(program, 'body'))
  }

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

  // ---- edits

  private both(edit: (code: MagicString) => void): void {
    edit(this.run)
    edit(this.shipped)
  }

  private before(at: number, text: string): void {
    this.run.appendRight(at, text)
  }

  private after(at: number, text: string): void {
    this.run.appendLeft(at, text)
  }

  private erase(start: number, end: number): void {
    this.both(code => eraseRange(code, this.source, start, end))
  }

  // ---- statements

  private statements(list: readonly Node[], place: Place, program = false): void {
    for (const each of list) this.statement(each, place, program)
  }

  private statement(node: Node, place: Place, program: boolean): void {
    if (isTypeOnly(node)) return this.both(code => eraseStatement(code, this.source, node))
    if (node.type === 'ExpressionStatement') {
      this.both(code => void code.appendRight(node.start, ';'))
      const expression = child(node, 'expression')
      if (expression === undefined) return
      const shown = expression === this.resultNode
      if (shown) this.before(expression.start, 'return (')
      this.visit(expression, place)
      if (shown) this.after(expression.end, ')')
      return
    }
    if (program) return this.topStatement(node, place)
    this.visit(node, place)
  }

  private topStatement(node: Node, place: Place): void {
    if (node.type === 'ImportDeclaration') return this.importDeclaration(node)
    if (node.type === 'ExportAllDeclaration') return this.exportAll(node)
    if (node.type === 'ExportNamedDeclaration' || node.type === 'ExportDefaultDeclaration') {
      return this.exportDeclaration(node, place)
    }
    if (node.type === 'VariableDeclaration') {
      const names = children(node, 'declarations').flatMap(d => patternNames(child(d, 'id')))
      this.visit(node, place)
      const mine = names.filter(name => this.top.names.has(name))
      if (this.options.module === true || mine.length === 0) return
      const list = mine.map(name => JSON.stringify(name)).join(', ')
      this.after(node.end, `; if (${this.p}c.n(${list})) yield ${this.p}c.w(${this.p}c.b(), ${node.start});`)
      return
    }
    if (node.type === 'FunctionDeclaration') return this.topFunction(node, place)
    if (node.type === 'ClassDeclaration') return this.topClass(node, place)
    this.visit(node, place)
  }

  private topFunction(node: Node, place: Place): void {
    const name = textOf(child(node, 'id'), 'name')
    const closure = this.closureOf(node, place)
    if (this.top.names.has(name)) {
      this.hoisted.push(`${this.p}s.${name} = ${this.p}c.f(${closure.id}, ${name});`)
      this.declaredAt.set(name, node.start)
    }
    this.functionParts(node, place, closure)
  }

  private topClass(node: Node, place: Place): void {
    const name = textOf(child(node, 'id'), 'name')
    if (!this.top.names.has(name)) return this.visit(node, place)
    const closure = this.closureOf(node, place)
    this.before(node.start, `;${this.p}s.${name} = ${this.p}c.f(${closure.id}, `)
    this.classParts(node, place, closure)
    this.after(node.end, ');')
    this.declaredAt.set(name, node.end)
  }

  private importDeclaration(node: Node): void {
    const bindings = children(node, 'specifiers')
      .filter(each => textOf(each, 'importKind') !== 'type')
      .map(each => {
        const local = textOf(child(each, 'local'), 'name')
        if (each.type === 'ImportDefaultSpecifier') return { imported: 'default', local, used: false }
        if (each.type === 'ImportNamespaceSpecifier') return { imported: '*', local, used: false }
        const imported = child(each, 'imported')
        return { imported: textOf(imported, 'name') || textOf(imported, 'value'), local, used: false }
      })
    const all = children(node, 'specifiers')
    // `import { type A } from './a.ts'` asks for nothing at run time.
    if (all.length === 0 || bindings.length > 0) {
      this.imports.push({ specifier: textOf(child(node, 'source'), 'value'), bindings, at: node.start })
    }
    for (const each of bindings) this.declaredAt.set(each.local, 0)
    this.both(code => eraseStatement(code, this.source, node))
  }

  private exportAll(node: Node): void {
    const as = child(node, 'exported')
    const name = as === undefined ? '*' : textOf(as, 'name') || textOf(as, 'value')
    const specifier = textOf(child(node, 'source'), 'value')
    this.imports.push({ specifier, bindings: [], passes: [{ imported: '*', as: name }], at: node.start })
    this.both(code => eraseStatement(code, this.source, node))
  }

  private exportDeclaration(node: Node, place: Place): void {
    const declaration = child(node, 'declaration')
    if (node.type === 'ExportDefaultDeclaration' && declaration !== undefined) {
      return this.exportDefault(node, declaration, place)
    }
    if (declaration !== undefined) {
      this.erase(node.start, declaration.start)
      this.topStatement(declaration, place)
      for (const name of declaredBy(declaration)) this.exports.set(name, name)
      return
    }
    const from = child(node, 'source')
    const pairs = children(node, 'specifiers')
      .filter(each => textOf(each, 'exportKind') !== 'type')
      .map(each => ({ imported: moduleName(child(each, 'local')), as: moduleName(child(each, 'exported')) }))
    if (from === undefined) for (const each of pairs) this.exports.set(each.as, each.imported)
    else this.imports.push({ specifier: textOf(from, 'value'), bindings: [], passes: pairs, at: node.start })
    this.both(code => eraseStatement(code, this.source, node))
  }

  private exportDefault(node: Node, declaration: Node, place: Place): void {
    const name = textOf(child(declaration, 'id'), 'name')
    this.erase(node.start, declaration.start)
    if (name !== '') {
      this.exports.set('default', name)
      return this.topStatement(declaration, place)
    }
    this.exports.set('default', '*default*')
    this.before(declaration.start, `;${this.p}s["*default*"] = (`)
    this.visit(declaration, place)
    this.after(declaration.end, declaration.type.endsWith('Declaration') ? ');' : ')')
  }

  // ---- the walk

  private visit(node: Node, place: Place): void {
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

  /** Statements in statement position but not in a list (`if (x) y`) need no semicolon before them. */
  private plain(node: Node, place: Place): void {
    eachChild(node, each => this.visit(each, place))
  }

  private visitChild(node: Node, key: string, place: Place): void {
    const found = child(node, key)
    if (found !== undefined) this.visit(found, place)
  }

  private eraseChild(node: Node, key: string): void {
    const found = child(node, key)
    if (found !== undefined) this.erase(found.start, found.end)
  }

  private wrapped(node: Node, place: Place): void {
    const inner = child(node, 'expression')
    if (inner === undefined) return
    this.visit(inner, place)
    this.erase(inner.end, node.end)
  }

  // ---- names

  /** True when the name is a property of `$s`. */
  private shared(name: string, place: Place): { shared: boolean; owner: Scope | undefined } {
    const owner = place.scope.find(name)
    if (owner === this.top) return { shared: true, owner }
    if (owner !== undefined) return { shared: false, owner }
    return { shared: !bareNames.has(name) && !this.options.isGlobal(name), owner }
  }

  private note(node: Node, name: string, place: Place): boolean {
    const { shared, owner } = this.shared(name, place)
    if (shared) {
      noteUse(place.closure, undefined, name, false)
      if (owner === this.top) this.noteRead(node, name)
    } else if (owner !== undefined) noteUse(place.closure, owner, name, true)
    return shared
  }

  private noteRead(node: Node, name: string): void {
    for (const each of this.imports) for (const b of each.bindings) if (b.local === name) b.used = true
    if (!this.reads.has(name)) this.reads.set(name, node.start)
  }

  private reference(node: Node, place: Place): void {
    const name = textOf(node, 'name')
    if (this.note(node, name, place)) this.before(node.start, `${this.p}s.`)
    this.nameParts(node, name)
  }

  /** Takes `?: T` and `!: T` from a declared name. */
  private nameParts(node: Node, name: string): void {
    const type = child(node, 'typeAnnotation')
    const end = type?.start ?? node.end
    if (claims(node, 'optional')) this.both(code => eraseMark(code, this.source, node.start + name.length, end))
    if (type !== undefined) this.erase(type.start, type.end)
  }

  /** A pattern that is written to: a declaration's names or an assignment's targets. */
  private target(node: Node | undefined, place: Place, how: 'declare' | 'assign'): void {
    if (node === undefined) return
    switch (node.type) {
      case 'Identifier':
        return this.targetName(node, place, how)
      case 'AssignmentPattern':
        this.target(child(node, 'left'), place, how)
        return this.visitChild(node, 'right', place)
      case 'RestElement':
        this.target(child(node, 'argument'), place, how)
        return this.eraseChild(node, 'typeAnnotation')
      case 'ArrayPattern':
        for (const each of children(node, 'elements')) this.target(each, place, how)
        return this.patternType(node)
      case 'ObjectPattern':
        for (const each of children(node, 'properties')) {
          if (each.type === 'RestElement') this.target(each, place, how)
          else this.targetProperty(each, place, how)
        }
        return this.patternType(node)
      case 'ParenthesizedExpression':
        return this.target(child(node, 'expression'), place, how)
      case 'TSAsExpression':
      case 'TSSatisfiesExpression':
      case 'TSNonNullExpression': {
        const inner = child(node, 'expression')
        if (inner === undefined) return
        this.target(inner, place, how)
        return this.erase(inner.end, node.end)
      }
      default:
        return this.visit(node, place)
    }
  }

  private patternType(node: Node): void {
    const type = child(node, 'typeAnnotation')
    if (claims(node, 'optional') && type !== undefined) {
      this.both(code => eraseMark(code, this.source, this.source.lastIndexOf('?', type.start), type.start))
    }
    if (type !== undefined) this.erase(type.start, type.end)
  }

  private targetProperty(node: Node, place: Place, how: 'declare' | 'assign'): void {
    const value = child(node, 'value')
    if (claims(node, 'shorthand') && value !== undefined) {
      const name = textOf(child(node, 'key'), 'name')
      if (this.shared(name, place).shared) this.before(node.start, `${name}: `)
    } else if (claims(node, 'computed')) this.visitChild(node, 'key', place)
    this.target(value, place, how)
  }

  private targetName(node: Node, place: Place, how: 'declare' | 'assign'): void {
    const name = textOf(node, 'name')
    const { shared, owner } = this.shared(name, place)
    if (how === 'assign') {
      noteAssignment(place.closure, shared ? undefined : owner, name, node.start)
      this.note(node, name, place)
    } else if (owner === this.top) this.declaredAt.set(name, Math.max(node.end, this.declaredAt.get(name) ?? 0))
    if (shared) {
      const kind = owner === this.top ? this.top.names.get(name) : undefined
      const constant = how === 'assign' && (kind === 'const' || kind === 'import')
      this.before(node.start, constant ? `${this.p}k.` : `${this.p}s.`)
    }
    this.nameParts(node, name)
  }

  private variables(node: Node, place: Place, where: 'statement' | 'head' | 'each'): void {
    const list = children(node, 'declarations')
    const first = list[0]
    if (first === undefined) return
    const names = patternNames(child(first, 'id'))
    const mine = names.length === 0 ? this.ownsTop(node, place) : names.some(name => this.shared(name, place).shared)
    if (mine) {
      const word = blank(this.source.slice(node.start, first.start))
      this.run.update(node.start, first.start, where === 'statement' ? `;${word.slice(1)}` : word)
    }
    for (const each of list) this.declarator(each, place, mine, where, textOf(node, 'kind'))
  }

  private ownsTop(node: Node, place: Place): boolean {
    return place.scope === this.top || (place.depth === 0 && textOf(node, 'kind') === 'var')
  }

  private declarator(
    node: Node,
    place: Place,
    mine: boolean,
    where: 'statement' | 'head' | 'each',
    kind: string,
  ): void {
    const id = child(node, 'id')
    const init = child(node, 'init')
    if (id === undefined) return
    const pattern = id.type !== 'Identifier'
    if (mine && pattern && where !== 'each') this.before(node.start, '(')
    if (claims(node, 'definite')) {
      const name = textOf(id, 'name')
      this.both(code =>
        eraseMark(code, this.source, id.start + name.length, child(id, 'typeAnnotation')?.start ?? id.end),
      )
    }
    if (mine && !pattern && init === undefined && where !== 'each' && kind === 'var') this.before(node.start, 'void ')
    this.target(id, place, 'declare')
    if (init !== undefined) this.named(init, place, mine && !pattern ? textOf(id, 'name') : undefined)
    if (mine && !pattern && init === undefined && where !== 'each' && kind !== 'var')
      this.after(node.end, ' = undefined')
    if (mine && pattern && where !== 'each') this.after(node.end, ')')
    for (const name of patternNames(id)) {
      if (place.scope.find(name) === this.top)
        this.declaredAt.set(name, Math.max(node.end, this.declaredAt.get(name) ?? 0))
    }
  }

  /** An anonymous function takes the name it is assigned to; a property of `$s` would leave it nameless. */
  private named(node: Node, place: Place, name: string | undefined): void {
    const anonymous =
      node.type === 'ArrowFunctionExpression' ||
      ((node.type === 'FunctionExpression' || node.type === 'ClassExpression') && child(node, 'id') === undefined)
    const hint = anonymous && name !== undefined && name !== '__proto__' ? name : undefined
    if (hint === undefined) return this.visit(node, place)
    refuseCode(node)
    if (node.type === 'ClassExpression') this.classNode(node, place, hint)
    else this.functionNode(node, place, hint)
  }

  private assignment(node: Node, place: Place): void {
    const left = child(node, 'left')
    const right = child(node, 'right')
    this.target(left, place, 'assign')
    if (right === undefined) return
    const name = left?.type === 'Identifier' ? textOf(left, 'name') : undefined
    this.named(right, place, name !== undefined && this.shared(name, place).shared ? name : undefined)
  }

  private property(node: Node, place: Place): void {
    const value = child(node, 'value')
    if (value === undefined) return
    if (claims(node, 'computed')) this.visitChild(node, 'key', place)
    if (claims(node, 'shorthand')) {
      const name = textOf(child(node, 'key'), 'name')
      if (this.shared(name, place).shared) this.before(node.start, `${name}: `)
      return this.visit(value, place)
    }
    if (claims(node, 'method') || textOf(node, 'kind') !== 'init') return this.method(node, value, place)
    this.visit(value, place)
  }

  private method(node: Node, value: Node, place: Place): void {
    refuseCode(value)
    const key = child(node, 'key')
    const simple = claims(node, 'method') && !claims(node, 'computed') && key?.type === 'Identifier'
    const closure = simple
      ? this.addClosure({ kind: 'method', node, name: textOf(key, 'name') }, place)
      : this.addClosure({ kind: 'function', node: value, name: '' }, place)
    this.functionParts(value, place, closure)
  }

  private call(node: Node, place: Place): void {
    const callee = child(node, 'callee')
    if (callee === undefined) return
    const bare = callee.type === 'Identifier' && this.shared(textOf(callee, 'name'), place).shared
    if (bare) {
      this.before(callee.start, '(0, ')
      this.callees.set(callee.end, callee.start)
    }
    this.visit(callee, place)
    if (bare) this.after(callee.end, ')')
    this.eraseChild(node, 'typeArguments')
    for (const each of children(node, 'arguments')) this.visit(each, place)
  }

  private tagged(node: Node, place: Place): void {
    const tag = child(node, 'tag')
    const bare = tag?.type === 'Identifier' && this.shared(textOf(tag, 'name'), place).shared
    if (tag !== undefined && bare) this.before(tag.start, '(0, ')
    this.visitChild(node, 'tag', place)
    if (tag !== undefined && bare) this.after(tag.end, ')')
    this.eraseChild(node, 'typeArguments')
    this.visitChild(node, 'quasi', place)
  }

  private unary(node: Node, place: Place): void {
    const argument = child(node, 'argument')
    if (textOf(node, 'operator') !== 'typeof' || argument?.type !== 'Identifier') return this.plain(node, place)
    const name = textOf(argument, 'name')
    const { shared } = this.shared(name, place)
    // typeof of a name nobody declared is 'undefined', not an error.
    if (shared) this.before(argument.start, `(${JSON.stringify(name)} in ${this.p}s ? `)
    this.visit(argument, place)
    if (shared) this.after(argument.end, ' : undefined)')
  }

  private await(node: Node, place: Place): void {
    const argument = child(node, 'argument')
    if (argument === undefined) return
    if (place.depth > 0) return this.visit(argument, place)
    this.run.update(node.start, node.start + 5, `(yield ${this.p}c.w(`)
    this.visit(argument, place)
    this.after(node.end, `, ${node.start}))`)
  }

  // ---- blocks and loops

  private inner(place: Place, statements: readonly Node[]): Place {
    const scope = new Scope(place.scope, place.closure)
    declareBlock(scope, statements)
    return { ...place, scope }
  }

  private block(node: Node, place: Place): void {
    const body = children(node, 'body')
    const head = this.source.indexOf('{', node.start) + 1
    const inner = { ...this.inner(place, body), head }
    if (node.type === 'StaticBlock') declareVars(inner.scope, node)
    this.statements(body, node.type === 'StaticBlock' ? { ...inner, depth: place.depth + 1 } : inner)
  }

  private switchStatement(node: Node, place: Place): void {
    this.visitChild(node, 'discriminant', place)
    const cases = children(node, 'cases')
    const inner = this.inner(
      { ...place, head: undefined },
      cases.flatMap(each => children(each, 'consequent')),
    )
    for (const each of cases) {
      this.visitChild(each, 'test', inner)
      this.statements(children(each, 'consequent'), inner)
    }
  }

  private catchClause(node: Node, place: Place): void {
    const scope = new Scope(place.scope, place.closure)
    const parameter = child(node, 'param')
    scope.declare('let', patternNames(parameter))
    const inner = { ...place, scope }
    this.target(parameter, inner, 'declare')
    const body = child(node, 'body')
    if (body === undefined) return
    // Engine messages name `$s.x`; the user's catch block reads them as typed.
    if (parameter?.type === 'Identifier') this.after(body.start + 1, `${this.p}c.e(${textOf(parameter, 'name')});`)
    this.block(body, inner)
  }

  private labeled(node: Node, place: Place, outer: Node): void {
    const body = child(node, 'body')
    if (body === undefined) return
    if (body.type === 'LabeledStatement') return this.labeled(body, place, outer)
    if (body.type.startsWith('For')) return this.loop(body, place, outer)
    this.visit(body, place)
  }

  /** `outer` is the loop with its labels. */
  private loop(node: Node, place: Place, outer: Node): void {
    const scope = new Scope(place.scope, place.closure)
    const inner = { ...place, scope }
    const head = child(node, 'init') ?? child(node, 'left')
    if (head?.type === 'VariableDeclaration' && textOf(head, 'kind') !== 'var') {
      refuseCode(head)
      scope.declare(
        'let',
        children(head, 'declarations').flatMap(d => patternNames(child(d, 'id'))),
      )
    }
    if (node.type === 'ForOfStatement' && claims(node, 'await') && place.depth === 0) {
      return this.forAwait(node, inner, outer)
    }
    if (node.type === 'ForInStatement' || node.type === 'ForOfStatement') {
      if (head?.type === 'VariableDeclaration') this.variables(head, inner, 'each')
      else this.target(head, inner, 'assign')
    } else if (head?.type === 'VariableDeclaration') this.variables(head, inner, 'head')
    else if (head !== undefined) this.visit(head, inner)
    for (const key of ['right', 'test', 'update']) this.visitChild(node, key, inner)
    const body = child(node, 'body')
    if (body !== undefined) this.loopBody(body, inner, `if (${this.p}g[0]) ${this.p}c.g();`)
  }

  private loopBody(body: Node, place: Place, guard: string): void {
    if (body.type === 'BlockStatement') {
      this.after(body.start + 1, guard)
      return this.visit(body, place)
    }
    // On the left side of the boundary: a `for await` below moves its iterable to the right side.
    this.after(body.start, `{${guard}`)
    this.visit(body, place)
    this.after(body.end, this.source[body.end - 1] === ';' ? '}' : ';}')
  }

  /**
   * `for await (const x of rows) BODY` →
   * `{ const $i1 = $c.r(rows); try { for (;;) { const $n1 = yield $i1.next(); if ($n1.done) break; const x = $n1.value; BODY } } finally { yield $i1.close() } }`
   */
  private forAwait(node: Node, place: Place, outer: Node): void {
    const left = child(node, 'left')
    const right = child(node, 'right')
    const body = child(node, 'body')
    if (left === undefined || right === undefined || body === undefined) return
    const n = ++this.counter
    const { p } = this
    const iterator = `${p}i${n}`
    const step = `${p}n${n}`
    const inner: Place = { ...place, scope: new Scope(place.scope, place.closure) }
    // The iterable moves before the labels, the declaration into the body.
    this.before(right.start, `{ const ${iterator} = ${p}c.r(`)
    this.visit(right, place)
    this.after(right.end, '); try { ')
    this.run.move(right.start, right.end, outer.start)
    this.run.update(node.start, left.start, blank(this.source.slice(node.start, left.start)))
    this.before(
      left.start,
      `for (;;) { if (${p}g[0]) ${p}c.g(); const ${step} = yield ${p}c.w(${iterator}.next(), ${node.start}); if (${step}.done) break; `,
    )
    const declares = left.type === 'VariableDeclaration'
    if (!declares) this.before(left.start, '(')
    if (declares) this.variables(left, inner, 'each')
    else this.target(left, inner, 'assign')
    this.after(left.end, declares ? ` = ${step}.value; ` : ` = ${step}.value); `)
    this.run.update(left.end, right.start, blank(this.source.slice(left.end, right.start)))
    this.run.update(right.end, body.start, blank(this.source.slice(right.end, body.start)))
    this.visit(body, inner)
    this.after(outer.end, `;} } finally { yield ${p}c.w(${iterator}.close(), ${node.start}); } }`)
  }

  // ---- functions and classes

  private addClosure(parts: Pick<Closure, 'kind' | 'node' | 'name'>, place: Place): Closure {
    const closure: Closure = {
      ...parts,
      // Only the place: the tree itself is not kept as long as the notebook.
      node: { type: parts.node.type, start: parts.node.start, end: parts.node.end },
      id: this.closures.length,
      parent: place.closure,
      scopeNames: new Set(),
      localNames: new Set(),
      assigned: [],
    }
    this.closures.push(closure)
    return closure
  }

  private closureOf(node: Node, place: Place): Closure {
    const kind = node.type.startsWith('Class') ? 'class' : 'function'
    return this.addClosure({ kind, node, name: textOf(child(node, 'id'), 'name') }, place)
  }

  private functionNode(node: Node, place: Place, hint?: string): void {
    const closure = this.closureOf(node, place)
    this.functionParts(node, place, closure)
    this.register(node, place, closure, hint)
  }

  private classNode(node: Node, place: Place, hint?: string): void {
    const closure = this.closureOf(node, place)
    this.classParts(node, place, closure)
    this.register(node, place, closure, hint)
  }

  /** Tells the run time which closure a function is, with a thunk for the enclosing locals it captures. */
  private register(node: Node, place: Place, closure: Closure, hint: string | undefined): void {
    const locals = [...closure.localNames]
    const thunk = locals.length === 0 ? '' : `, () => ({ ${locals.join(', ')} })`
    const declaration = node.type.endsWith('Declaration')
    if (declaration) {
      if (thunk !== '' && closure.name !== '') {
        // A function exists from the head of its block, and may stand below a return; a class exists from here.
        const at = node.type === 'FunctionDeclaration' ? (place.head ?? node.end) : node.end
        this.after(at, `;${this.p}c.f(${closure.id}, ${closure.name}${thunk});`)
      }
      return
    }
    // Inside functions a closure without captured locals is found by its text: making it stays as cheap as it was.
    const noted = thunk !== '' || place.depth === 0
    const open = hint === undefined ? '' : `({ ${hint}: `
    const close = hint === undefined ? '' : ` }).${hint}`
    if (!noted && hint === undefined) return
    this.before(node.start, noted ? `${this.p}c.f(${closure.id}, ${open}` : open)
    this.after(node.end, noted ? `${close}${thunk})` : close)
  }

  private functionParts(node: Node, place: Place, closure: Closure): void {
    const scope = new Scope(place.scope, closure)
    const id = child(node, 'id')
    if (id !== undefined && node.type === 'FunctionExpression') scope.declare('const', [textOf(id, 'name')])
    const parameters = children(node, 'params')
    scope.declare(
      'param',
      parameters.flatMap(each => patternNames(each)),
    )
    const body = child(node, 'body')
    const inner: Place = { scope, closure, depth: place.depth + 1 }
    this.eraseTypeParameters(node)
    for (const [index, each] of parameters.entries()) {
      refuseCode(each)
      if (index === 0 && textOf(each, 'name') === 'this') this.eraseThis(each, parameters[1])
      else this.target(each, inner, 'declare')
    }
    const type = child(node, 'returnType')
    const arrow = node.type === 'ArrowFunctionExpression'
    if (type !== undefined) this.both(code => eraseReturnType(code, this.source, arrow, type))
    if (body === undefined) return
    if (body.type !== 'BlockStatement') return this.visit(body, inner)
    const bodyScope = new Scope(scope, closure)
    declareBlock(bodyScope, children(body, 'body'))
    declareVars(bodyScope, body)
    for (const name of scope.names.keys()) if (bodyScope.names.get(name) === 'var') bodyScope.names.delete(name)
    const head = body.start + 1
    this.statements(children(body, 'body'), { scope: bodyScope, closure, depth: place.depth + 1, head })
  }

  private eraseThis(parameter: Node, next: Node | undefined): void {
    const comma = this.source.indexOf(',', parameter.end)
    this.erase(parameter.start, next === undefined ? parameter.end : comma + 1)
  }

  /** Type parameters over several lines would part `return` from its arrow function: the parenthesis moves up. */
  private eraseTypeParameters(node: Node): void {
    const list = child(node, 'typeParameters')
    if (list === undefined) return
    const open = this.source.indexOf('(', list.end)
    if (node.type === 'ArrowFunctionExpression' && /[\n\r]/.test(this.source.slice(list.start, list.end)) && open > 0) {
      const text = this.source.slice(list.start, open + 1)
      this.both(code => void code.update(list.start, open + 1, `(${blank(text.slice(1))}`))
      return
    }
    this.erase(list.start, list.end)
  }

  private classParts(node: Node, place: Place, closure: Closure): void {
    const scope = new Scope(place.scope, closure)
    const id = child(node, 'id')
    if (id !== undefined) scope.declare('const', [textOf(id, 'name')])
    const inner: Place = { scope, closure, depth: place.depth }
    if (claims(node, 'abstract'))
      this.both(code => eraseModifiers(code, this.source, node.start, id?.start ?? node.start + 8))
    this.eraseChild(node, 'typeParameters')
    this.visitChild(node, 'superClass', inner)
    this.eraseChild(node, 'superTypeArguments')
    const before = child(node, 'superTypeArguments') ?? child(node, 'superClass') ?? child(node, 'typeParameters') ?? id
    const from = before?.end ?? node.start
    this.both(code => eraseImplements(code, this.source, from, children(node, 'implements')))
    const body = child(node, 'body')
    if (body !== undefined) for (const member of children(body, 'body')) this.member(member, inner)
  }

  private member(node: Node, place: Place): void {
    refuseCode(node)
    if (node.type === 'StaticBlock') return this.block(node, place)
    const value = child(node, 'value')
    const empty =
      node.type.startsWith('TS') || value?.type === 'TSEmptyBodyFunctionExpression' || claims(node, 'declare')
    if (empty) return this.both(code => eraseStatement(code, this.source, node))
    const key = child(node, 'key')
    if (key === undefined) return
    this.both(code => eraseModifiers(code, this.source, node.start, key.start))
    if (claims(node, 'computed')) this.visit(key, place)
    const type = child(node, 'typeAnnotation')
    if (claims(node, 'optional') || claims(node, 'definite')) {
      this.both(code => eraseMark(code, this.source, key.end, type?.start ?? value?.start ?? node.end))
    }
    if (type !== undefined) this.erase(type.start, type.end)
    if (node.type === 'MethodDefinition') {
      if (value !== undefined)
        this.functionParts(value, place, this.addClosure({ kind: 'function', node: value, name: '' }, place))
      return
    }
    // A field's value runs like a function body: no yields in it.
    if (value !== undefined) this.visit(value, { ...place, depth: place.depth + 1 })
    if (this.source[node.end - 1] !== ';') this.both(code => void code.appendLeft(node.end, ';'))
  }
}

function shipper(shipped: MagicString): (closure: Closure) => string {
  return closure => {
    // A function that is a statement of its own has the statement's semicolon before it.
    const text = shipped.slice(closure.node.start, closure.node.end).replace(/^;/, '')
    return closure.kind === 'method' ? `({ ${text} }).${closure.name}` : text
  }
}

function moduleName(node: Node | undefined): string {
  return textOf(node, 'name') || textOf(node, 'value')
}

function declaredBy(statement: Node): string[] {
  const inner = exported(statement)
  if (inner.type === 'VariableDeclaration')
    return children(inner, 'declarations').flatMap(d => patternNames(child(d, 'id')))
  const id = child(inner, 'id')
  return id === undefined ? [] : [textOf(id, 'name')]
}
