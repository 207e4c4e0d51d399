/** Statements of a cell or module: the result, declarations that become notebook names, imports and exports. */
import { eraseStatement, isTypeOnly } from '../erase.ts'
import { exported } from '../names.ts'
import { child, children, patternNames, textOf, type Node } from '../syntax.ts'
import type { Place } from './base.ts'
import { BlockRewriter } from './blocks.ts'

export abstract class StatementRewriter extends BlockRewriter {
  protected override statements(list: readonly Node[], place: Place, program = false): void {
    for (const each of list) this.statement(each, place, program)
  }

  protected statement(node: Node, place: Place, program: boolean): void {
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

  protected topStatement(node: Node, place: Place): void {
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

  protected topFunction(node: Node, place: Place): void {
    const name = textOf(child(node, 'id'), 'name')
    const closure = this.closureOf(node, place)
    if (this.top.names.has(name)) {
      this.hoisted.push(`${this.p}s.${name} = ${this.p}c.f(${closure.id}, ${name});`)
      this.declaredAt.set(name, node.start)
    }
    this.functionParts(node, place, closure)
  }

  protected topClass(node: Node, place: Place): void {
    const name = textOf(child(node, 'id'), 'name')
    if (!this.top.names.has(name)) return this.visit(node, place)
    const closure = this.closureOf(node, place)
    this.before(node.start, `;${this.p}s.${name} = ${this.p}c.f(${closure.id}, `)
    this.classParts(node, place, closure)
    this.after(node.end, ');')
    this.declaredAt.set(name, node.end)
  }

  protected importDeclaration(node: Node): void {
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

  protected exportAll(node: Node): void {
    const as = child(node, 'exported')
    const name = as === undefined ? '*' : textOf(as, 'name') || textOf(as, 'value')
    const specifier = textOf(child(node, 'source'), 'value')
    this.imports.push({ specifier, bindings: [], passes: [{ imported: '*', as: name }], at: node.start })
    this.both(code => eraseStatement(code, this.source, node))
  }

  protected exportDeclaration(node: Node, place: Place): void {
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

  protected exportDefault(node: Node, declaration: Node, place: Place): void {
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
