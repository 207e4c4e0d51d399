/** Functions and classes: their scopes, their types, and what is told about them at run time. */
import {
  blank,
  eraseImplements,
  eraseMark,
  eraseModifiers,
  eraseReturnType,
  eraseStatement,
  refuseCode,
} from '../erase.ts'
import { declareBlock, declareVars, Scope, type Closure } from '../names.ts'
import { child, children, claims, patternNames, textOf, type Node } from '../syntax.ts'
import type { Place } from './base.ts'
import { ExpressionRewriter } from './expressions.ts'

export abstract class FunctionRewriter extends ExpressionRewriter {
  protected override addClosure(parts: Pick<Closure, 'kind' | 'node' | 'name'>, place: Place): Closure {
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

  protected closureOf(node: Node, place: Place): Closure {
    const kind = node.type.startsWith('Class') ? 'class' : 'function'
    return this.addClosure({ kind, node, name: textOf(child(node, 'id'), 'name') }, place)
  }

  protected override functionNode(node: Node, place: Place, hint?: string): void {
    const closure = this.closureOf(node, place)
    this.functionParts(node, place, closure)
    this.register(node, place, closure, hint)
  }

  protected override classNode(node: Node, place: Place, hint?: string): void {
    const closure = this.closureOf(node, place)
    this.classParts(node, place, closure)
    this.register(node, place, closure, hint)
  }

  /** Tells the run time which closure a function is, with a thunk for the enclosing locals it captures. */
  protected register(node: Node, place: Place, closure: Closure, hint: string | undefined): void {
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

  protected override functionParts(node: Node, place: Place, closure: Closure): void {
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

  protected eraseThis(parameter: Node, next: Node | undefined): void {
    const comma = this.source.indexOf(',', parameter.end)
    this.erase(parameter.start, next === undefined ? parameter.end : comma + 1)
  }

  /** Type parameters over several lines would part `return` from its arrow function: the parenthesis moves up. */
  protected eraseTypeParameters(node: Node): void {
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

  protected classParts(node: Node, place: Place, closure: Closure): void {
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

  protected member(node: Node, place: Place): void {
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
