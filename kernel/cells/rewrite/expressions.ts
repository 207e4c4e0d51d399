/** Declarations and expressions in which names stand: assignments, properties, calls, `typeof`, `await`. */
import { blank, eraseMark, refuseCode } from '../erase.ts'
import { child, children, claims, patternNames, textOf, type Node } from '../syntax.ts'
import type { Place } from './base.ts'
import { NameRewriter } from './names.ts'

export abstract class ExpressionRewriter extends NameRewriter {
  protected variables(node: Node, place: Place, where: 'statement' | 'head' | 'each'): void {
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

  protected ownsTop(node: Node, place: Place): boolean {
    return place.scope === this.top || (place.depth === 0 && textOf(node, 'kind') === 'var')
  }

  protected declarator(
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
  protected named(node: Node, place: Place, name: string | undefined): void {
    const anonymous =
      node.type === 'ArrowFunctionExpression' ||
      ((node.type === 'FunctionExpression' || node.type === 'ClassExpression') && child(node, 'id') === undefined)
    const hint = anonymous && name !== undefined && name !== '__proto__' ? name : undefined
    if (hint === undefined) return this.visit(node, place)
    refuseCode(node)
    if (node.type === 'ClassExpression') this.classNode(node, place, hint)
    else this.functionNode(node, place, hint)
  }

  protected assignment(node: Node, place: Place): void {
    const left = child(node, 'left')
    const right = child(node, 'right')
    this.target(left, place, 'assign')
    if (right === undefined) return
    const name = left?.type === 'Identifier' ? textOf(left, 'name') : undefined
    this.named(right, place, name !== undefined && this.shared(name, place).shared ? name : undefined)
  }

  protected property(node: Node, place: Place): void {
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

  protected method(node: Node, value: Node, place: Place): void {
    refuseCode(value)
    const key = child(node, 'key')
    const simple = claims(node, 'method') && !claims(node, 'computed') && key?.type === 'Identifier'
    const closure = simple
      ? this.addClosure({ kind: 'method', node, name: textOf(key, 'name') }, place)
      : this.addClosure({ kind: 'function', node: value, name: '' }, place)
    this.functionParts(value, place, closure)
  }

  protected call(node: Node, place: Place): void {
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

  protected tagged(node: Node, place: Place): void {
    const tag = child(node, 'tag')
    const bare = tag?.type === 'Identifier' && this.shared(textOf(tag, 'name'), place).shared
    if (tag !== undefined && bare) this.before(tag.start, '(0, ')
    this.visitChild(node, 'tag', place)
    if (tag !== undefined && bare) this.after(tag.end, ')')
    this.eraseChild(node, 'typeArguments')
    this.visitChild(node, 'quasi', place)
  }

  protected unary(node: Node, place: Place): void {
    const argument = child(node, 'argument')
    if (textOf(node, 'operator') !== 'typeof' || argument?.type !== 'Identifier') return this.plain(node, place)
    const name = textOf(argument, 'name')
    const { shared } = this.shared(name, place)
    // typeof of a name nobody declared is 'undefined', not an error.
    if (shared) this.before(argument.start, `(${JSON.stringify(name)} in ${this.p}s ? `)
    this.visit(argument, place)
    if (shared) this.after(argument.end, ' : undefined)')
  }

  protected await(node: Node, place: Place): void {
    const argument = child(node, 'argument')
    if (argument === undefined) return
    if (place.depth > 0) return this.visit(argument, place)
    this.run.update(node.start, node.start + 5, `(yield ${this.p}c.w(`)
    this.visit(argument, place)
    this.after(node.end, `, ${node.start}))`)
  }
}
