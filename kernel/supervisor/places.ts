/** Where the kernel's own files are, and the private folder of this kernel's sockets. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Children lie beside the main file: `cells.js` beside a built `main.js`, `cells.ts` beside `main.ts`. */
export interface Entry {
  readonly path: string
  readonly execArgv: readonly string[]
}

export function entryBeside(mainUrl: string, name: string): Entry {
  const main = fileURLToPath(mainUrl)
  const built = main.endsWith('.js')
  return {
    path: join(dirname(main), `${name}${built ? '.js' : '.ts'}`), // Resolved here: the child's folder need not know tsx.
    execArgv: built ? [] : ['--import', import.meta.resolve('tsx')],
  }
}

/** The folder of the package `riffle-kernel`, found upwards from the main file. */
export function packageRoot(mainUrl: string): string {
  let folder = dirname(fileURLToPath(mainUrl))
  for (;;) {
    const file = join(folder, 'package.json')
    if (existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'riffle-kernel')
      return folder
    const parent = dirname(folder)
    if (parent === folder) return dirname(fileURLToPath(mainUrl))
    folder = parent
  }
}

/** mkdtemp makes it 0700: nobody else connects to the sockets inside. Short, because socket paths end at 104 bytes. */
export function privateFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'riffle-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** Environment of a child: everything but the way to the connection file, which holds the signing key. */
export function childEnvironment(extra: Readonly<Record<string, string>>, connectionFile: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name, value]) => !value?.includes(connectionFile) && name !== 'NODE_CHANNEL_FD',
  )
  return { ...Object.fromEntries(kept), ...extra }
}
