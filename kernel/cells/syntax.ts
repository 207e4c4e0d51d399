/**
 * Parsing with oxc, and a loose view of its tree: nodes are read through small accessors that check what they read, because
 * the walk treats most of the 200 node kinds alike.
 */
import { parseSync, visitorKeys } from 'oxc-parser'

export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
}

export interface Problem {
  readonly message: string
  /** Offset in the parsed text. */
  readonly at: number
}

export interface Parsed {
  readonly program: Node
  readonly problems: readonly Problem[]
  readonly hasModuleSyntax: boolean
}

/** Parses a cell or a local module as an ES module. Offsets count UTF-16 units. */
export function parseSource(source: string, lang: 'ts' | 'js' = 'ts'): Parsed {
  const result = parseSync(lang === 'ts' ? 'cell.ts' : 'cell.js', source, {
    lang,
    sourceType: 'module',
    astType: 'ts',
    preserveParens: true,
    showSemanticErrors: true,
  })
  const problems = result.errors
    .filter(error => error.severity === 'Error' && !error.message.startsWith('TS('))
    .map(error => ({ message: error.message, at: error.labels[0]?.start ?? 0 }))
  return { program: result.program as Node, problems, hasModuleSyntax: result.module.hasModuleSyntax }
}

export function nodeOf(value: unknown): Node | undefined {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
    ? (value as Node)
    : undefined
}

/** The child called `key`, when it is a node. */
export function child(node: Node, key: string): Node | undefined {
  return nodeOf((node as unknown as Record<string, unknown>)[key])
}

/** The nodes of the list called `key`; holes of array patterns are left out. */
export function children(node: Node, key: string): readonly Node[] {
  const list = (node as unknown as Record<string, unknown>)[key]
  if (!Array.isArray(list)) return []
  return list.map(nodeOf).filter(entry => entry !== undefined)
}

export function textOf(node: Node | undefined, key: string): string {
  const value = node === undefined ? undefined : (node as unknown as Record<string, unknown>)[key]
  return typeof value === 'string' ? value : ''
}

export function claims(node: Node, key: string): boolean {
  return (node as unknown as Record<string, unknown>)[key] === true
}

/** Every direct child in source order of the grammar. */
export function eachChild(node: Node, visit: (child: Node) => void): void {
  for (const key of visitorKeys[node.type] ?? []) {
    const value = (node as unknown as Record<string, unknown>)[key]
    if (Array.isArray(value)) {
      for (const entry of value) {
        const found = nodeOf(entry)
        if (found !== undefined) visit(found)
      }
    } else {
      const found = nodeOf(value)
      if (found !== undefined) visit(found)
    }
  }
}

const functionTypes = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])

export function startsFunction(node: Node): boolean {
  return functionTypes.has(node.type)
}

/** Names bound by a pattern: `{ a, b: [c = 1], ...d }` gives a, c, d. */
export function patternNames(pattern: Node | undefined, into: string[] = []): string[] {
  if (pattern === undefined) return into
  if (pattern.type === 'Identifier') into.push(textOf(pattern, 'name'))
  else if (pattern.type === 'AssignmentPattern') patternNames(child(pattern, 'left'), into)
  else if (pattern.type === 'RestElement') patternNames(child(pattern, 'argument'), into)
  else if (pattern.type === 'ArrayPattern') for (const each of children(pattern, 'elements')) patternNames(each, into)
  else if (pattern.type === 'ObjectPattern') {
    for (const each of children(pattern, 'properties')) {
      patternNames(each.type === 'RestElement' ? each : child(each, 'value'), into)
    }
  } else if (pattern.type === 'TSParameterProperty') patternNames(child(pattern, 'parameter'), into)
  return into
}
