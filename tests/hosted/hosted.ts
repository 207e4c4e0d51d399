/** A real engine process for a test, and the hosted runtime of the cells process connected to it. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { CaptureInfo } from '../../stream/lambdas/capture-info.ts'
import { createHostedRuntime } from '../../kernel/cells/hosted-runtime.ts'
import type { HostedRuntime } from '../../kernel/cells/hosted-runtime.ts'
import type { EngineForSupervisor, EngineNotice, SupervisorNotice } from '../../kernel/engine/protocol.ts'
import { entryPoint } from '../../kernel/entries.ts'
import type { EntryPoint } from '../../kernel/entries.ts'
import { bundleFolder } from '../../kernel/setup/places.ts'
import { createRpc, ipcTransport } from '../../kernel/rpc.ts'
import type { Rpc } from '../../kernel/rpc.ts'

type F = (...args: never[]) => unknown

/** Plays what the cells process knows about functions of a notebook. */
export class FakeNotebook {
  private readonly known = new Map<unknown, CaptureInfo>()

  /** A lambda typed in `cell-1.ts` on `line` from column 1, with what it captures. */
  lambda<T extends F>(f: T, captures: Record<string, unknown> = {}, line = 1): T {
    this.known.set(f, {
      kind: 'function',
      text: f.toString(),
      names: Object.keys(captures),
      read: name => captures[name],
      origin: name => (captures[name] === API ? { kind: 'api', name } : { kind: 'value' }),
      assigned: [],
      site: { cell: 'cell-1.ts', line, column: 1, excerpt: f.toString().split('\n')[0]! },
    })
    return f
  }

  info = (f: unknown): CaptureInfo | undefined => this.known.get(f)
}

/** Marks a captured name as one of Riffle's API. */
export const API = Symbol('api')

/** The bundles that Jupyter starts, as the lane of `npm test` has built them; the sources where a file is run by itself. */
export function builtOrSource(name: Parameters<typeof entryPoint>[0]): EntryPoint {
  if (process.env['RIFFLE_KERNEL_MAIN'] !== undefined) return { path: join(bundleFolder, `${name}.js`), execArgv: [] }
  return entryPoint(name)
}

export interface HostedEngine {
  readonly pid: number
  readonly path: string
  readonly notices: EngineNotice[]
  readonly supervisor: Rpc<EngineForSupervisor, SupervisorNotice>
  /** Resolves with the first notice, old or new, that `f` accepts. */
  notice<T extends EngineNotice>(f: (notice: EngineNotice) => notice is T): Promise<T>
  runtime(notebook?: FakeNotebook): HostedRuntime
  stop(): Promise<void>
  /** kill -9. */
  kill(): Promise<void>
}

export async function startEngine(env: Record<string, string> = {}): Promise<HostedEngine> {
  const entry = builtOrSource('kernel/engine')
  const child = fork(entry.path, [], {
    execArgv: [...entry.execArgv],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...env },
  })
  const notices: EngineNotice[] = []
  const watchers = new Set<() => void>()
  const supervisor = createRpc<object, EngineForSupervisor, EngineNotice, SupervisorNotice>(ipcTransport(child), {
    onNotice: notice => {
      notices.push(notice)
      for (const look of watchers) look()
    },
  })
  const notice = <T extends EngineNotice>(f: (notice: EngineNotice) => notice is T) =>
    new Promise<T>((resolve, reject) => {
      const look = () => {
        const found = notices.find(f)
        if (found === undefined) return
        watchers.delete(look)
        resolve(found)
      }
      watchers.add(look)
      supervisor.onClose(() => reject(new Error('the engine has gone')))
      look()
    })
  const ready = await notice((n): n is Extract<EngineNotice, { type: 'ready' }> => n.type === 'ready')
  const runtimes: HostedRuntime[] = []
  return {
    pid: child.pid!,
    path: ready.path,
    notices,
    supervisor,
    notice,
    runtime(notebook = new FakeNotebook()) {
      const runtime = createHostedRuntime({ captureInfo: notebook.info })
      runtime.setEngine(ready.path)
      runtimes.push(runtime)
      return runtime
    },
    async kill() {
      for (const runtime of runtimes) runtime.close()
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
    async stop() {
      for (const runtime of runtimes) runtime.close()
      const ended = once(child, 'exit')
      await supervisor.call('shutdown').catch(() => {})
      await ended
    },
  }
}

/** Looks again until `f` gives something, at most `limitMs`; for conditions that no event tells. */
export async function until<T>(f: () => Promise<T | undefined> | T | undefined, limitMs = 20_000): Promise<T> {
  const end = performance.now() + limitMs
  for (;;) {
    const value = await f()
    if (value !== undefined) return value
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${f.toString()}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
