/**
 * The first thing the kernel does: its private folder, the line to the watcher thread, and the cells process, which loads while the
 * supervisor loads its own modules. Nothing but Node's own modules is imported here.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { childEnvironment, entryBeside, privateFolder } from './places.ts'
import type { Entry } from './places.ts'
import { WatchLine } from './watch.ts'

export interface Launched {
  readonly folder: ReturnType<typeof privateFolder>
  readonly watch: WatchLine
  readonly entry: Entry
  readonly environment: NodeJS.ProcessEnv
  /** The first cells process; later ones are started when it is replaced. */
  readonly child: ChildProcess
}

export async function launch(mainUrl: string, connectionFile: string): Promise<Launched> {
  const folder = privateFolder()
  const watch = new WatchLine(join(folder.path, 'watch'))
  // The watcher thread connects as soon as it runs.
  await watch.listen()
  const entry = entryBeside(mainUrl, 'cells')
  const environment = childEnvironment({ RIFFLE_WATCH_PATH: watch.path }, connectionFile)
  return { folder, watch, entry, environment, child: launchCells(entry, environment) }
}

export function launchCells(entry: Entry, environment: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, [...entry.execArgv, entry.path], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced',
    env: environment,
  })
}
