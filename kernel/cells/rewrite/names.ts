/** Names: which are properties of `$s`, what is read and written, and what a pattern binds. */
import { eraseMark } from '../erase.ts'
import { noteAssignment, noteUse, type Scope } from '../names.ts'
import { child, children, claims, textOf, type Node } from '../syntax.ts'
import { BaseRewriter, type Place } from './base.ts'

const bareNames = new Set(['arguments', 'undefined'])

export abstract class NameRewriter extends BaseRewriter {
  /** True when the name is a property of `$s`. */
  protected shared(name: string, place: Place): { shared: boolean; owner: Scope | undefined } {
    const owner = place.scope.find(name)
    if (owner === this.top) return { shared: true, owner }
    if (owner !== undefined) return { shared: false, owner }
    return { shared: !bareNames.has(name) && !this.options.isGlobal(name), owner }
  }

  protected note(node: Node, name: string, place: Place): boolean {
    const { shared, owner } = this.shared(name, place)
    if (shared) {
      noteUse(place.closure, undefined, name, false)
      if (owner === this.top) this.noteRead(node, name)
    } else if (owner !== undefined) noteUse(place.closure, owner, name, true)
    return shared
  }

  protected noteRead(node: Node, name: string): void {
    for (const each of this.imports) for (const b of each.bindings) if (b.local === name) b.used = true
    if (!this.reads.has(name)) this.reads.set(name, node.start)
  }

  protected reference(node: Node, place: Place): void {
    const name = textOf(node, 'name')
    if (this.note(node, name, place)) this.before(node.start, `${this.p}s.`)
    this.nameParts(node, name)
  }

  /** Takes `?: T` and `!: T` from a declared name. */
  protected nameParts(node: Node, name: string): void {
    const type = child(node, 'typeAnnotation')
    const end = type?.start ?? node.end
    if (claims(node, 'optional')) this.both(code => eraseMark(code, this.source, node.start + name.length, end))
    if (type !== undefined) this.erase(type.start, type.end)
  }

  /** A pattern that is written to: a declaration's names or an assignment's targets. */
  protected target(node: Node | undefined, place: Place, how: 'declare' | 'assign'): void {
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

  protected patternType(node: Node): void {
    const type = child(node, 'typeAnnotation')
    if (claims(node, 'optional') && type !== undefined) {
      this.both(code => eraseMark(code, this.source, this.source.lastIndexOf('?', type.start), type.start))
    }
    if (type !== undefined) this.erase(type.start, type.end)
  }

  protected targetProperty(node: Node, place: Place, how: 'declare' | 'assign'): void {
    const value = child(node, 'value')
    if (claims(node, 'shorthand') && value !== undefined) {
      const name = textOf(child(node, 'key'), 'name')
      if (this.shared(name, place).shared) this.before(node.start, `${name}: `)
    } else if (claims(node, 'computed')) this.visitChild(node, 'key', place)
    this.target(value, place, how)
  }

  protected targetName(node: Node, place: Place, how: 'declare' | 'assign'): void {
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
}
