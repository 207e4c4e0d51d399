/** A real cells process beside a real engine: runs cells as the supervisor would and keeps what they said. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { FrameReader } from '../../kernel/cells/frames.ts'
import type { CellError, FromCells, ToCells } from '../../kernel/cells/protocol.ts'
import { builtOrSource } from './hosted.ts'
import type { HostedEngine } from './hosted.ts'

export interface CellResult {
  readonly error: CellError | undefined
  /** Text of the last expression. */
  readonly result: string | undefined
  readonly output: string
}

export interface CellsProcess {
  run(source: string): Promise<CellResult>
  stop(): Promise<void>
}

export async function startCells(engine: HostedEngine, cwd = process.cwd()): Promise<CellsProcess> {
  const entry = builtOrSource('kernel/cells')
  const child = spawn(process.execPath, [...entry.execArgv, entry.path], {
    cwd,
    stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'ipc'],
    serialization: 'advanced',
  })
  const messages: FromCells[] = []
  const watchers = new Set<() => void>()
  const reader = new FrameReader()
  ;(child.stdio[3] as Readable).on('data', (chunk: Buffer) => {
    messages.push(...(reader.push(chunk) as FromCells[]))
    for (const look of watchers) look()
  })
  let ended = false
  child.once('exit', () => {
    ended = true
    for (const look of watchers) look()
  })
  const first = <T extends FromCells>(f: (m: FromCells) => m is T) =>
    new Promise<T>((resolve, reject) => {
      const look = () => {
        const found = messages.find(f)
        if (found === undefined && !ended) return
        watchers.delete(look)
        if (found === undefined) reject(new Error('the cells process has ended'))
        else resolve(found)
      }
      watchers.add(look)
      look()
    })
  await first((m): m is Extract<FromCells, { type: 'ready' }> => m.type === 'ready')
  const send = (message: ToCells) => child.send(message as never)
  send({ type: 'engine', path: engine.path })
  let n = 0
  return {
    async run(source) {
      const requestId = `request-${++n}`
      send({
        type: 'execute',
        requestId,
        cellId: `id-${n}`,
        cellName: `cell-${n}.ts`,
        source,
        typed: source,
        executionCount: n,
        silent: false,
        allowStdin: false,
        userExpressions: {},
      })
      const done = await first(
        (m): m is Extract<FromCells, { type: 'done' }> => m.type === 'done' && m.requestId === requestId,
      )
      const own = messages.filter(m => 'parentId' in m && m.parentId === requestId)
      const result = own.find(m => m.type === 'message' && m.msgType === 'execute_result')
      const data = result?.type === 'message' ? (result.content['data'] as Record<string, string>) : undefined
      const output = own.map(m => (m.type === 'stream' ? m.text : '')).join('')
      return { error: done.error, result: data?.['text/plain'], output }
    },
    async stop() {
      const gone = once(child, 'exit')
      send({ type: 'shutdown' })
      await gone
    },
  }
}
