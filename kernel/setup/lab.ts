/** JupyterLab on a folder of notebooks until Ctrl-C, for `npm start` and `riffle lab`. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { startJupyterServer, portIsFree } from './jupyter-server.ts'
import { openInBrowser } from './open-in-browser.ts'
import { cacheFolder, notebooksFolder } from './places.ts'
import { commonProblem, SetupProblem } from './problem.ts'

export interface LabOptions {
  readonly port?: number | undefined
  readonly open: boolean
  readonly check: boolean
  /** Folder to show; default the clone's notebooks. */
  readonly root?: string | undefined
}

/** Runs JupyterLab until Ctrl-C; resolves when it and its kernels have ended. */
export async function runLab(options: LabOptions): Promise<void> {
  if (options.port !== undefined && !(await portIsFree(options.port))) {
    throw new SetupProblem(
      `Cannot listen on port ${options.port}: it is in use; leave --port out and a free one is taken`,
    )
  }
  const root = options.root ?? notebooksFolder
  let stop: () => void = () => undefined
  const stopped = new Promise<void>(resolve => (stop = resolve))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop)
  process.stdout.write('starting JupyterLab ... ')
  const began = performance.now()
  const server = await startJupyterServer({ root, port: options.port, stateFolder: join(cacheFolder, 'jupyter') })
  process.stdout.write(`${((performance.now() - began) / 1000).toFixed(1)} s\n`)
  const first = '01-first-stream.ipynb'
  const page = `${server.url}lab${existsSync(join(root, first)) ? `/tree/${first}` : ''}?token=${server.token}`
  process.stdout.write(`\n  ${page}\n\nCtrl-C ends it.\n`)
  if (options.open) openInBrowser(page)
  if (options.check) stop()
  await Promise.race([stopped, server.ended])
  process.stdout.write('\nstopping JupyterLab and its kernels ... ')
  await server.stop()
  process.stdout.write('done\n')
}

/** Runs `main` and turns whatever it throws into one line and an exit status. */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    const known = error instanceof SetupProblem ? error : commonProblem('Riffle', text)
    process.stderr.write(`${known?.message ?? (error instanceof Error ? error.stack : text)}\n`)
    process.exitCode = 1
  }
}
