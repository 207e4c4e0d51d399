/** The process Jupyter starts: `node main.js CONNECTION_FILE`. */
import { resolve } from 'node:path'
import { readConnection } from './supervisor/connection.ts'
import { startKernel } from './supervisor/kernel.ts'
import { watchParent } from './supervisor/parent-watch.ts'

const file = process.argv[2]
if (file === undefined) fail('the connection file is missing: node main.js CONNECTION_FILE')

try {
  const connectionFile = resolve(file)
  const kernel = await startKernel({
    connection: readConnection(connectionFile),
    connectionFile,
    mainUrl: import.meta.url,
    exit: code => process.exit(code),
  })
  // Terminals and editors send SIGINT to the whole group: it is a Stop, never the end.
  process.on('SIGINT', () => kernel.interrupt())
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void kernel.end(0))
  watchParent(() => void kernel.end(0))
} catch (error) {
  // A port taken by somebody else: the manager tries again with others when we end at once.
  fail(error instanceof Error ? error.message : String(error))
}

function fail(message: string): never {
  process.stderr.write(`riffle: ${message}\n`)
  process.exit(1)
}
