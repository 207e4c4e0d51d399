/** Blocks and loops: scopes, guards, and `for await` at the top, which becomes a loop of yields. */
import { blank, refuseCode } from '../erase.ts'
import { declareBlock, declareVars, Scope } from '../names.ts'
import { child, children, claims, patternNames, textOf, type Node } from '../syntax.ts'
import type { Place } from './base.ts'
import { FunctionRewriter } from './functions.ts'

export abstract class BlockRewriter extends FunctionRewriter {
  protected inner(place: Place, statements: readonly Node[]): Place {
    const scope = new Scope(place.scope, place.closure)
    declareBlock(scope, statements)
    return { ...place, scope }
  }

  protected override block(node: Node, place: Place): void {
    const body = children(node, 'body')
    const head = this.source.indexOf('{', node.start) + 1
    const inner = { ...this.inner(place, body), head }
    if (node.type === 'StaticBlock') declareVars(inner.scope, node)
    this.statements(body, node.type === 'StaticBlock' ? { ...inner, depth: place.depth + 1 } : inner)
  }

  protected switchStatement(node: Node, place: Place): void {
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

  protected catchClause(node: Node, place: Place): void {
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

  protected labeled(node: Node, place: Place, outer: Node): void {
    const body = child(node, 'body')
    if (body === undefined) return
    if (body.type === 'LabeledStatement') return this.labeled(body, place, outer)
    if (body.type.startsWith('For')) return this.loop(body, place, outer)
    this.visit(body, place)
  }

  /** `outer` is the loop with its labels. */
  protected loop(node: Node, place: Place, outer: Node): void {
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

  protected loopBody(body: Node, place: Place, guard: string): void {
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
  protected forAwait(node: Node, place: Place, outer: Node): void {
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
}
