/**
 * A notebook as one TypeScript program. Cells follow each other; imports move to the top. A notebook may declare a name again, a program
 * may not: from such a cell on the rest stands in a block of its own, where the newer name hides the older one, with its type.
 */
import type { ExpandContext } from './define.ts'
import type { ProgramCell } from './expand.ts'
import { DefaultNames } from './names.ts'
import { declaredNames, parseTypeScript, type Node } from './typescript.ts'

export type ProgramText = { readonly id: string; readonly source: string } | { readonly markdown: string }

/** What a notebook has and a program has not, in the words of a program. */
const STAND_INS: readonly (readonly [used: RegExp, text: string])[] = [
  [/\bnotebook\.signal\b/, 'const notebook = { signal: new AbortController().signal }'],
  [
    /\bdisplay\b/,
    'const shown = (value: unknown) => console.log(value)\nconst display = Object.assign(shown, {\n  html: shown, svg: shown, png: shown, markdown: shown, json: shown, vega: shown, table: console.table, clear: () => undefined,\n})',
  ],
  [
    /\b(?:prompt|confirm)\(/,
    "const prompt = async (text = '') => {\n  const { createInterface } = await import('node:readline/promises')\n  const lines = createInterface({ input: process.stdin, output: process.stdout })\n  return await lines.question(`${text} `).finally(() => lines.close())\n}\nconst confirm = async (text = '') => /^y/i.test(await prompt(`${text} [y/n]`))",
  ],
]

export function program(
  cells: readonly ProgramText[],
  expand: (text: string, context: ExpandContext) => ProgramCell,
): string {
  const names = new Set<string>()
  const used = new Set<string>()
  const imports: string[] = []
  const imported = new Map<string, string>()
  const defaults = new DefaultNames()
  const body: string[] = []
  let blocks = 0
  for (const cell of cells) {
    if ('markdown' in cell) {
      body.push(
        cell.markdown
          .split('\n')
          .map(line => `// ${line}`.trimEnd())
          .join('\n'),
      )
      continue
    }
    if (/^\s*(?:%desugar\b|%export\s*$)/.test(cell.source)) continue
    const made = expand(cell.source, contextOf(cell.id, names, defaults))
    for (const name of made.used) used.add(name)
    const { statements } = parseTypeScript(made.source)
    const source = withoutImports(made.source, statements, (text, locals) => {
      const known = locals.every(name => imported.get(name) === text)
      if (known) return true
      if (locals.some(name => names.has(name))) return false
      for (const name of locals) imported.set(name, text)
      imports.push(text)
      return true
    })
    const declared = declaredNames(parseTypeScript(source).statements)
    if (declared.some(name => names.has(name) || imported.has(name))) {
      body.push('{')
      blocks += 1
    }
    for (const name of [...declared, ...imported.keys()]) names.add(name)
    if (source.trim() !== '') body.push(source.trim())
  }
  const text = body.join('\n\n')
  const standIns = STAND_INS.filter(([pattern]) => pattern.test(text)).map(([, code]) => code)
  const head = [...libraryImports(used), ...imports, ...standIns]
  return (
    [
      ...(head.length === 0 ? [] : [head.join('\n')]),
      text,
      ...(blocks === 0 ? ['export {}'] : ['}'.repeat(blocks), 'export {}']),
    ].join('\n\n') + '\n'
  )
}

function contextOf(cellId: string, names: ReadonlySet<string>, defaults: DefaultNames): ExpandContext {
  const streams = new Map([...names].map(name => [name, { columns: [], cellId: undefined }]))
  return { cellId, streams, topics: new Map(), names, defaultName: defaults.forCell(cellId, names) }
}

function libraryImports(used: ReadonlySet<string>): string[] {
  const bare = [...used].filter(name => name !== 'riffle').sort()
  return [
    ...(used.has('riffle') ? ["import * as riffle from 'riffle-kernel'"] : []),
    ...(bare.length > 0 ? [`import { ${bare.join(', ')} } from 'riffle-kernel'`] : []),
  ]
}

/** `move` tells whether an import statement went to the top; one that cannot is awaited where it stands. */
function withoutImports(
  source: string,
  statements: readonly Node[],
  move: (text: string, locals: readonly string[]) => boolean,
): string {
  let text = source
  for (const statement of [...statements].reverse()) {
    if (statement.type !== 'ImportDeclaration') continue
    const own = source.slice(statement.start, statement.end)
    const rest = move(own, declaredNames([statement])) ? '' : awaited(statement)
    text = text.slice(0, statement.start) + rest + text.slice(statement.end)
  }
  return text
}

function awaited(statement: Node): string {
  const module = `await import(${(statement['source'] as { raw: string }).raw})`
  const specifiers = (statement['specifiers'] as Node[]).map(one => {
    const local = (one['local'] as { name: string }).name
    if (one.type === 'ImportNamespaceSpecifier') return `...${local}`
    const name = one.type === 'ImportDefaultSpecifier' ? 'default' : (one['imported'] as { name: string }).name
    return name === local ? name : `${name}: ${local}`
  })
  return specifiers.length === 0 ? module : `const { ${specifiers.join(', ')} } = ${module}`
}
