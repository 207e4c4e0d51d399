/** Top-level names of a cell: what later cells see, and what the cell takes away from the scope around it. */
import { parseSync } from 'oxc-parser'

export interface Declared {
  /** `value`: a variable or function, may be assigned by later cells. `entity`: also a type (class, enum, interface, import). */
  readonly kind: 'value' | 'entity'
  readonly exported: boolean
}

interface Node {
  readonly type: string
  readonly [key: string]: unknown
}

/** Undefined when the text does not parse. */
export function declaredNames(source: string): ReadonlyMap<string, Declared> | undefined {
  const { program, errors } = parseSync('cell.ts', source, { sourceType: 'module', lang: 'ts' })
  if (errors.some(error => error.severity === 'Error')) return undefined
  const names = new Map<string, Declared>()
  for (const statement of program.body as unknown as Node[]) declare(statement, false, names)
  return names
}

function declare(node: Node, exported: boolean, names: Map<string, Declared>): void {
  const add = (name: string, kind: Declared['kind']) => {
    // A value that is also a type (`interface A` and `const A`) is an entity.
    names.set(name, { kind: names.has(name) && names.get(name)?.kind !== kind ? 'entity' : kind, exported })
  }
  switch (node.type) {
    case 'VariableDeclaration':
      for (const one of node['declarations'] as Node[])
        for (const name of patternNames(one['id'] as Node)) add(name, 'value')
      return
    case 'FunctionDeclaration':
    case 'TSDeclareFunction':
      return add(nameOf(node['id']), 'value')
    case 'ClassDeclaration':
    case 'TSEnumDeclaration':
    case 'TSInterfaceDeclaration':
    case 'TSTypeAliasDeclaration':
      return add(nameOf(node['id']), 'entity')
    case 'TSModuleDeclaration':
      if ((node['id'] as Node).type === 'Identifier' && nameOf(node['id']) !== 'global')
        add(nameOf(node['id']), 'entity')
      return
    case 'ImportDeclaration':
      for (const one of node['specifiers'] as Node[]) add(nameOf(one['local']), 'entity')
      return
    case 'ExportNamedDeclaration':
      if (isNode(node['declaration'])) declare(node['declaration'], true, names)
      return
    default:
      // `var` in a block reaches the top level, as in any script.
      for (const name of hoisted(node)) add(name, 'value')
  }
}

function hoisted(node: Node): string[] {
  if (/Function|Class|Arrow/.test(node.type)) return []
  if (node.type === 'VariableDeclaration') {
    return node['kind'] === 'var'
      ? (node['declarations'] as Node[]).flatMap(one => patternNames(one['id'] as Node))
      : []
  }
  return Object.values(node).flatMap(inner =>
    (Array.isArray(inner) ? inner : [inner]).flatMap((one: unknown) => (isNode(one) ? hoisted(one) : [])),
  )
}

function patternNames(pattern: Node): string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [nameOf(pattern)]
    case 'ObjectPattern':
      return (pattern['properties'] as Node[]).flatMap(one =>
        patternNames((one.type === 'RestElement' ? one['argument'] : one['value']) as Node),
      )
    case 'ArrayPattern':
      return (pattern['elements'] as (Node | null)[]).flatMap(one => (one === null ? [] : patternNames(one)))
    case 'AssignmentPattern':
      return patternNames(pattern['left'] as Node)
    case 'RestElement':
      return patternNames(pattern['argument'] as Node)
    default:
      return []
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
}

function nameOf(node: unknown): string {
  return String((node as { name?: string } | null)?.name ?? '')
}
