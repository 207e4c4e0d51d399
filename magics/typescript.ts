/**
 * What magics ask of the TypeScript parser: does a text parse as whole statements, as one expression, as the properties of an
 * object; which names does it declare; which API names does it call.
 */
import { parseSync } from 'oxc-parser'

/** A node of the ESTree that oxc gives; read by `type` and key only. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

export interface Parsed {
  readonly statements: readonly Node[]
  readonly error: { readonly message: string; readonly at: number } | undefined
}

export function parseTypeScript(text: string): Parsed {
  const result = parseSync('cell.ts', text, { lang: 'ts', sourceType: 'module' })
  const first = result.errors[0]
  return {
    statements: result.program.body as unknown as Node[],
    error: first === undefined ? undefined : { message: first.message, at: first.labels[0]?.start ?? text.length },
  }
}

export interface ParsedExpression {
  /** Offsets in the given text. */
  readonly node: Node | undefined
  readonly error: { readonly message: string; readonly at: number } | undefined
  /** Distance of the node's offsets from those of the text. */
  readonly shift: number
}

/** One expression, comments around it allowed. The newline keeps a comment at the end from eating the bracket. */
export function parseExpression(text: string): ParsedExpression {
  return parseWrapped('(', text, '\n)')
}

/** Properties as between the braces of an object: `a: 1, b: 2`. The node is the ObjectExpression. */
export function parseProperties(text: string): ParsedExpression {
  return parseWrapped('({', text, '\n})')
}

function parseWrapped(before: string, text: string, after: string): ParsedExpression {
  const parsed = parseTypeScript(before + text + after)
  const shift = before.length
  if (parsed.error !== undefined) {
    const at = Math.min(Math.max(parsed.error.at - shift, 0), text.length)
    return { node: undefined, error: { message: parsed.error.message, at }, shift }
  }
  const statement = parsed.statements[0]
  const outer = statement?.type === 'ExpressionStatement' ? (statement['expression'] as Node) : undefined
  const whole = parsed.statements.length === 1 && outer?.type === 'ParenthesizedExpression'
  if (!whole) return { node: undefined, error: { message: 'one expression is expected', at: 0 }, shift }
  // `1) + (2` parses inside brackets, but not as one expression between them.
  if (outer.end !== before.length + text.length + after.length) {
    return {
      node: undefined,
      error: { message: 'brackets do not match', at: Math.max(0, outer.end - shift - 1) },
      shift,
    }
  }
  return { node: outer['expression'] as Node, error: undefined, shift }
}

/** Names that the statements of a cell declare at top level. */
export function declaredNames(statements: readonly Node[]): string[] {
  const names: string[] = []
  for (const statement of statements) {
    const inner = statement.type.startsWith('Export')
      ? ((statement['declaration'] as Node | null) ?? statement)
      : statement
    if (inner.type === 'VariableDeclaration') {
      for (const declarator of inner['declarations'] as Node[]) patternNames(declarator['id'] as Node, names)
    } else if (inner.type === 'FunctionDeclaration' || inner.type === 'ClassDeclaration') {
      patternNames(inner['id'] as Node, names)
    } else if (inner.type === 'ImportDeclaration') {
      for (const specifier of inner['specifiers'] as Node[]) patternNames(specifier['local'] as Node, names)
    }
  }
  return names
}

export function patternNames(pattern: Node | null | undefined, into: string[]): void {
  if (pattern === null || pattern === undefined) return
  if (pattern.type === 'Identifier') into.push(pattern['name'] as string)
  else if (pattern.type === 'ObjectPattern') {
    for (const property of pattern['properties'] as Node[]) {
      patternNames((property.type === 'RestElement' ? property['argument'] : property['value']) as Node, into)
    }
  } else if (pattern.type === 'ArrayPattern') {
    for (const element of pattern['elements'] as (Node | null)[]) patternNames(element, into)
  } else if (pattern.type === 'AssignmentPattern') patternNames(pattern['left'] as Node, into)
  else if (pattern.type === 'RestElement') patternNames(pattern['argument'] as Node, into)
  else if (pattern.type === 'TSParameterProperty') patternNames(pattern['parameter'] as Node, into)
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
}

export function childNodes(node: Node): Node[] {
  const children: Node[] = []
  for (const value of Object.values(node)) {
    if (isNode(value)) children.push(value)
    else if (Array.isArray(value)) for (const element of value) if (isNode(element)) children.push(element)
  }
  return children
}
