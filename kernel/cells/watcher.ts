/**
 * The watcher thread of the cells process: reads `interrupt <requestId>` lines from the supervisor and climbs the ladder of
 * interrupt.ts. It lives apart so that a busy loop cannot keep it waiting; when the supervisor goes, it ends the process.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { hashOf, SHARED } from './interrupt.ts'

const { shared, path } = workerData as { shared: Int32Array; path: string }

/** Processes below this one (Linux); elsewhere a blocking child has to end by itself. */
function descendants(pid: number): number[] {
  return listed(`/proc/${pid}/task`).flatMap(thread => {
    const children = contentOf(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number)
    return children.flatMap(child => [child, ...descendants(child)])
  })
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Empty when the thread has ended meanwhile. */
function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGINT')
  } catch {
    // It has ended meanwhile.
  }
}

/** Looks and acts in one piece: when `setRunning` returns, nothing is done any more for the request before. */
function act(running: number, action: () => void): void {
  Atomics.store(shared, SHARED.acting, 1)
  if (Atomics.load(shared, SHARED.running) === running) action()
  Atomics.store(shared, SHARED.acting, 0)
  Atomics.notify(shared, SHARED.acting)
}

function interrupt(requestId: string): void {
  const target = hashOf(requestId)
  const running = Atomics.load(shared, SHARED.running)
  // A Stop meant for a cell that has ended must not hit the next one.
  if (running !== 0 && running !== target) return
  const taken = Atomics.load(shared, SHARED.taken)
  const thrown = Atomics.load(shared, SHARED.thrown)
  const later = (ms: number, action: () => void): void => {
    setTimeout(() => {
      if (Atomics.load(shared, SHARED.taken) === taken) act(running, action)
    }, ms)
  }
  act(running, () => {
    Atomics.store(shared, SHARED.target, target)
    Atomics.store(shared, SHARED.level, 1)
  })
  parentPort?.postMessage({ target })
  later(10, () => Atomics.store(shared, SHARED.level, 2))
  if (running === 0) return
  later(30, () => {
    if (Atomics.load(shared, SHARED.thrown) !== thrown) return
    if (Atomics.load(shared, SHARED.seen) < Atomics.load(shared, SHARED.raised)) return
    Atomics.add(shared, SHARED.raised, 1)
    signal(process.pid)
  })
  later(60, () => {
    for (const child of descendants(process.pid)) signal(child)
  })
}

let rest = ''
const socket = connect(path)
socket.setEncoding('utf8')
socket.on('data', (text: string) => {
  const lines = (rest + text).split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) if (line.startsWith('interrupt')) interrupt(line.slice('interrupt'.length).trim())
})
socket.on('connect', () => parentPort?.postMessage({ watching: true }))
socket.on('error', () => undefined)
// Without a supervisor nobody reads our output: the process must not outlive it, whatever its main thread does.
socket.on('close', () => process.kill(process.pid, 'SIGKILL'))
