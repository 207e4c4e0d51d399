/** The process Jupyter starts: `node main.js CONNECTION_FILE`. The cells process starts first and loads beside this one. */
import { resolve } from 'node:path'
import { keepCompiledCode } from './compile-cache.ts'
import { launch } from './supervisor/launch.ts'

const file = process.argv[2]
if (file === undefined) fail('the connection file is missing: node main.js CONNECTION_FILE')

keepCompiledCode()
const connectionFile = resolve(file)
const launched = await launch(import.meta.url, connectionFile)
try {
  const [{ readConnection }, { startKernel }, { watchParent }] = await Promise.all([
    import('./supervisor/connection.ts'),
    import('./supervisor/kernel.ts'),
    import('./supervisor/parent-watch.ts'),
  ])
  const kernel = await startKernel({
    connection: readConnection(connectionFile),
    connectionFile,
    mainUrl: import.meta.url,
    launched,
    exit: code => process.exit(code),
  })
  // Terminals and editors send SIGINT to the whole group: it is a Stop, never the end.
  process.on('SIGINT', () => kernel.interrupt())
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void kernel.end(0))
  watchParent(() => void kernel.end(0))
} catch (error) {
  // A port taken by somebody else: the manager tries again with others when we end at once. The cells process ends with us.
  launched.folder.remove()
  fail(error instanceof Error ? error.message : String(error))
}

function fail(message: string): never {
  process.stderr.write(`riffle: ${message}\n`)
  process.exit(1)
}
