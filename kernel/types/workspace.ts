/** The folder the type server looks at: a tsconfig, two documents, globals, and one module for each cell that ran. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseSync } from 'oxc-parser'

export interface Workspace {
  readonly folder: string
  /** What `riffle-kernel` exports; empty when the library is not there. */
  readonly api: readonly string[]
  /** Module that declares `TopicTypes`, the row types by topic name. */
  readonly topicTypes: string | undefined
}

/** `root` is the package's folder, `cwd` the notebook's. */
export function makeWorkspace(folder: string, root: string, cwd: string): Workspace {
  mkdirSync(folder, { recursive: true })
  const library = [join(root, 'stream/index.ts'), join(root, 'dist/stream/index.d.ts')].find(path => existsSync(path))
  const globals = join(root, 'kernel/cells/globals.ts')
  const nodeTypes = [join(cwd, 'node_modules/@types'), join(root, 'node_modules/@types')].filter(path =>
    existsSync(join(path, 'node')),
  )
  const config = {
    compilerOptions: {
      strict: true,
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable'],
      module: 'preserve',
      moduleResolution: 'bundler',
      moduleDetection: 'force',
      allowImportingTsExtensions: true,
      resolveJsonModule: true,
      noEmit: true,
      skipLibCheck: true,
      types: nodeTypes.length > 0 ? ['node'] : [],
      typeRoots: nodeTypes,
      // `./rates.ts` in a cell is the notebook's neighbour.
      rootDirs: [folder, cwd],
      paths: library === undefined ? {} : { 'riffle-kernel': [library] },
    },
    files: ['cell.ts', 'probe.ts', 'topics.d.ts', 'globals.d.ts'],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  for (const name of ['cell.ts', 'probe.ts', 'topics.d.ts']) writeFileSync(join(folder, name), 'export {}')
  writeFileSync(join(folder, 'globals.d.ts'), globalsText(root, globals))
  linkPackages(folder, cwd)
  const topicTypes = library === undefined ? undefined : library.replace(/index(\.d)?\.ts$/, 'topic-types$1.ts')
  return { folder, api: library === undefined ? [] : exportedNames(library), topicTypes }
}

/** Globals of a cell that are not the library's. */
function globalsText(root: string, globals: string): string {
  const lines: string[] = []
  const define = join(root, 'magics/define.ts')
  if (existsSync(define)) lines.push(`var notebook: import(${JSON.stringify(define)}).NotebookApi`)
  if (existsSync(globals)) {
    for (const name of interfaceMembers(globals, 'NotebookGlobals')) {
      if (name !== 'notebook')
        lines.push(`var ${name}: import(${JSON.stringify(globals)}).NotebookGlobals[${JSON.stringify(name)}]`)
    }
  }
  return `export {}\ndeclare global {\n${lines.map(line => `  ${line}`).join('\n')}\n}\n`
}

/** A link, so that packages resolve as they do from the notebook's folder, `exports` and all. */
function linkPackages(folder: string, cwd: string): void {
  let at = resolve(cwd)
  for (;;) {
    if (existsSync(join(at, 'node_modules'))) break
    if (dirname(at) === at) {
      // Not installed yet: `%install` will make it here.
      at = resolve(cwd)
      break
    }
    at = dirname(at)
  }
  try {
    symlinkSync(join(at, 'node_modules'), join(folder, 'node_modules'))
  } catch {
    // A file system without links: packages are `any` then.
  }
}

function interfaceMembers(path: string, name: string): string[] {
  const { program } = parseSync(path, readFileSync(path, 'utf8'), { lang: 'ts' })
  const members: string[] = []
  for (const statement of program.body) {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
    if (declaration?.type !== 'TSInterfaceDeclaration' || declaration.id.name !== name) continue
    for (const member of declaration.body.body) {
      if (
        (member.type === 'TSPropertySignature' || member.type === 'TSMethodSignature') &&
        member.key.type === 'Identifier'
      )
        members.push(member.key.name)
    }
  }
  return members
}

/** Names a module exports, followed through `export *`. */
function exportedNames(path: string, seen = new Set<string>()): string[] {
  if (seen.has(path) || !existsSync(path)) return []
  seen.add(path)
  const { module } = parseSync(path, readFileSync(path, 'utf8'), { sourceType: 'module', lang: 'ts' })
  const names: string[] = []
  for (const one of module.staticExports) {
    for (const entry of one.entries) {
      const name = entry.exportName.name
      if (name !== null && name !== 'default') names.push(name)
      else if (entry.importName.kind === 'AllButDefault' && entry.moduleRequest !== null) {
        names.push(...exportedNames(resolve(dirname(path), entry.moduleRequest.value), seen))
      }
    }
  }
  return [...new Set(names)]
}
