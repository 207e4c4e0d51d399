/**
 * What TypeScript adds and JavaScript does not know is overwritten with spaces, so every line and column stays. Where a blank
 * would change the meaning (a statement that begins with a parenthesis below a removed one, a return type over two lines) a
 * semicolon or a moved parenthesis keeps it. Syntax that makes code (enum, namespace, parameter properties, decorators, using)
 * cannot be blanked: `NotErasable` is thrown and the cell goes through esbuild first.
 */
import type MagicString from 'magic-string'
import { child, children, claims, textOf, type Node } from './syntax.ts'

export class NotErasable extends Error {}

export function blank(text: string): string {
  return text.replace(/[^\n\r\u2028\u2029]/g, ' ')
}

const typeOnlyStatements = new Set([
  'TSInterfaceDeclaration',
  'TSTypeAliasDeclaration',
  'TSDeclareFunction',
  'TSGlobalDeclaration',
])
const makesCode = new Set([
  'TSEnumDeclaration',
  'TSModuleDeclaration',
  'TSImportEqualsDeclaration',
  'TSExportAssignment',
  'TSParameterProperty',
  'AccessorProperty',
])

/** True when the whole statement exists for the type checker only. */
export function isTypeOnly(statement: Node): boolean {
  if (typeOnlyStatements.has(statement.type) || claims(statement, 'declare')) return true
  if (statement.type === 'TSNamespaceExportDeclaration') return true
  if (statement.type === 'ImportDeclaration') return textOf(statement, 'importKind') === 'type'
  if (statement.type.startsWith('Export')) {
    const inner = child(statement, 'declaration')
    return textOf(statement, 'exportKind') === 'type' || (inner !== undefined && isTypeOnly(inner))
  }
  return false
}

export function refuseCode(node: Node): void {
  if (makesCode.has(node.type) || children(node, 'decorators').length > 0) throw new NotErasable(node.type)
  const using = node.type === 'VariableDeclaration' && textOf(node, 'kind').endsWith('using')
  if (using) throw new NotErasable('using')
}

/** Overwrites `start`…`end` with spaces. */
export function eraseRange(code: MagicString, source: string, start: number, end: number): void {
  if (end > start) code.update(start, end, blank(source.slice(start, end)))
}

/** A removed statement leaves a semicolon, so that the next line cannot continue the one above. */
export function eraseStatement(code: MagicString, source: string, statement: Node): void {
  const text = source.slice(statement.start, statement.end)
  code.update(statement.start, statement.end, `;${blank(text.slice(1))}`)
}

/** The `?` of an optional and the `!` of a definite name, between the name and its type. */
export function eraseMark(code: MagicString, source: string, from: number, to: number): void {
  for (let at = from; at < to; at++) {
    const letter = source[at]
    if (letter === '?' || letter === '!') {
      eraseRange(code, source, at, at + 1)
      return
    }
    if (letter === ':' || letter === '=' || letter === '(') return
  }
}

const modifiers = /\b(?:public|private|protected|readonly|override|abstract|declare)\b/g

/** `private readonly x` → `x`: words before the key of a class member. */
export function eraseModifiers(code: MagicString, source: string, from: number, to: number): void {
  for (const found of source.slice(from, to).matchAll(modifiers)) {
    eraseRange(code, source, from + found.index, from + found.index + found[0].length)
  }
}

/** `class A implements B, C` → `class A`; `from` is the end of what stands before. */
export function eraseImplements(code: MagicString, source: string, from: number, list: readonly Node[]): void {
  const last = list.at(-1)
  if (last === undefined) return
  const at = source.indexOf('implements', from)
  if (at >= 0) eraseRange(code, source, at, last.end)
}

/** An arrow's return type; a line break before `=>` is not JavaScript, so then the parenthesis moves down to the arrow. */
export function eraseReturnType(code: MagicString, source: string, arrow: boolean, type: Node): void {
  if (!arrow || !/[\n\r]/.test(source.slice(type.start, type.end)))
    return eraseRange(code, source, type.start, type.end)
  const close = source.lastIndexOf(')', type.start)
  const text = source.slice(close, type.end)
  code.update(close, type.end, `${blank(text.slice(0, -1))})`)
}
