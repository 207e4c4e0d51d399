/**
 * Starts a Jupyter server of the private environment on a loopback port and stops it without leaving a process behind. Used by
 * `npm start`, `riffle lab` and every test that needs a real server.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jupyterEnvironment } from './jupyter-environment.ts'
import { notebooksFolder } from './places.ts'
import { reasonLine, SetupProblem } from './problem.ts'

export interface JupyterServerOptions {
  /** Folder the server shows. Default: the notebooks of the clone. */
  readonly root?: string | undefined
  /** Default: a free one. */
  readonly port?: number | undefined
  /** Further options of `jupyter lab`, such as `--ServerApp.disable_check_xsrf=True`. */
  readonly extraArgs?: readonly string[] | undefined
  /** `window.jupyterapp` in the page, so that a test can run commands by id. Default false. */
  readonly exposeApp?: boolean | undefined
  /** Variables for the server and its kernels, such as `RIFFLE_SEED`. */
  readonly env?: NodeJS.ProcessEnv | undefined
  /** Longest wait for the first answer. Default 60 s. */
  readonly limitMs?: number | undefined
  /** Folder for config and runtime. Default: a private one that `stop` deletes, so settings and workspaces do not leak between runs. */
  readonly stateFolder?: string | undefined
}

export interface JupyterServer {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string
  readonly port: number
  readonly token: string
  readonly pid: number
  /** Everything the server printed so far, for the message of a failing test. */
  log(): string
  /** Resolves when the server ended by itself or by `stop`. */
  readonly ended: Promise<void>
  /** Ends the server, its kernels and everything they started. May be called twice. */
  stop(): Promise<void>
}

export async function startJupyterServer(options: JupyterServerOptions = {}): Promise<JupyterServer> {
  if (options.port !== undefined) return start(options, options.port)
  // Between finding a free port and the server's bind another program may take it.
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(options, await freePort())
    } catch (error) {
      if (attempt === 3 || !/already in use/i.test(String(error))) throw error
    }
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() =>
        address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}

export function portIsFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.on('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

async function start(options: JupyterServerOptions, port: number): Promise<JupyterServer> {
  const folder = options.stateFolder ?? mkdtempSync(join(tmpdir(), 'riffle-jupyter-'))
  const jupyter = jupyterEnvironment(folder)
  const token = randomBytes(24).toString('hex')
  // By file, not by argument or variable: an argument shows in the process list and a variable is inherited by every kernel.
  const tokenFile = join(jupyter.runtimeFolder, 'token')
  writeFileSync(tokenFile, token, { mode: 0o600 })
  const args = [
    '-m',
    'jupyterlab',
    '--no-browser',
    '--ServerApp.ip=127.0.0.1',
    `--ServerApp.port=${port}`,
    '--ServerApp.port_retries=0',
  ]
  args.push(
    `--ServerApp.root_dir=${options.root ?? notebooksFolder}`,
    `--LabApp.workspaces_dir=${join(folder, 'workspaces')}`,
  )
  args.push(
    `--LabApp.user_settings_dir=${join(folder, 'settings')}`,
    '--LabApp.news_url=',
    '--LabApp.extension_manager=readonly',
  )
  if (process.getuid?.() === 0) args.push('--ServerApp.allow_root=True')
  if (options.exposeApp) args.push('--LabApp.expose_app_in_browser=True')
  const child = spawn(jupyter.python, [...args, ...(options.extraArgs ?? [])], {
    env: { ...jupyter.env, ...options.env, JUPYTER_TOKEN_FILE: tokenFile },
    cwd: options.root ?? notebooksFolder,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that stop reaches what the server started and a Ctrl-C of the terminal reaches us first.
    detached: true,
  })
  let printed = ''
  for (const pipe of [child.stdout, child.stderr]) {
    pipe.setEncoding('utf8').on('data', (text: string) => (printed = (printed + text).slice(-200_000)))
  }
  const ended = new Promise<void>(resolve => {
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  })
  const url = `http://127.0.0.1:${port}/`
  let stopping: Promise<void> | undefined
  const stop = () =>
    (stopping ??= endServer(child, { url, token }).then(() => {
      if (options.stateFolder === undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    }))
  try {
    await untilReady({ url, token, child, limitMs: options.limitMs ?? 60_000, log: () => printed })
  } catch (error) {
    await stop()
    throw error
  }
  return { url, port, token, pid: child.pid ?? -1, log: () => printed, ended, stop }
}

interface Waiting {
  readonly url: string
  readonly token: string
  readonly child: ChildProcess
  readonly limitMs: number
  readonly log: () => string
}

/** The status address is asked, since a log line promises less than an answer. */
async function untilReady({ url, token, child, limitMs, log }: Waiting): Promise<void> {
  const giveUpAt = performance.now() + limitMs
  for (;;) {
    if (child.exitCode !== null || child.pid === undefined) {
      const reason =
        child.pid === undefined ? 'its Python does not run; delete .cache and run npm start' : reasonLine(log())
      throw new SetupProblem(`Cannot start JupyterLab: ${reason}`)
    }
    if (performance.now() > giveUpAt)
      throw new SetupProblem(`Cannot start JupyterLab: no answer within ${limitMs / 1000} s; ${reasonLine(log())}`)
    const answered = await ask(`${url}api/status`, token, 'GET')
    if (answered) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

async function ask(address: string, token: string, method: string): Promise<boolean> {
  try {
    const answer = await fetch(address, {
      method,
      headers: { Authorization: `token ${token}` },
      signal: AbortSignal.timeout(5000),
    })
    await answer.arrayBuffer()
    return answer.ok
  } catch {
    return false
  }
}

/** Kernels live in sessions of their own, so the server itself has to end them: asked first, killed as a group last. */
async function endServer(child: ChildProcess, at: { url: string; token: string }): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exit = new Promise<void>(resolve => child.once('exit', () => resolve()))
  await ask(`${at.url}api/shutdown`, at.token, 'POST')
  if (await within(exit, 8000)) return
  signalGroup(child.pid, 'SIGTERM')
  if (await within(exit, 4000)) return
  signalGroup(child.pid, 'SIGKILL')
  await exit
}

async function within(done: Promise<void>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<boolean>(resolve => (timer = setTimeout(() => resolve(false), limitMs)))
  const result = await Promise.race([done.then(() => true), limit])
  clearTimeout(timer)
  return result
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // The group ended in between.
  }
}
