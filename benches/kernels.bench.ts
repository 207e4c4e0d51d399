/**
 * Ours beside the kernels that install from the registries, in one run and on one machine: `kernel.beside-…/{riffle,deno,tslab,ipykernel}`.
 * A Stop that never comes through is written as 5,000 ms, a line that is lost is missing from `lines`.
 */
import { median, type Measurement } from './bench.ts'
import { interruptMs, kernels, NEVER_MS, PLACES, start, type PeerKernel, type Started } from './peers/kernels.ts'
import { memoryBelow } from './process-memory.ts'

type Line = Record<string, number>

async function beside(measure: (peer: PeerKernel) => Promise<number | undefined>): Promise<Line> {
  const line: Line = {}
  for (const peer of await kernels()) {
    const value = await measure(peer)
    if (value !== undefined) line[peer.name] = value
  }
  return line
}

/** One started kernel for a measurement, stopped whatever happens. */
const within = (measure: (started: Started, peer: PeerKernel) => Promise<number>) => async (): Promise<Line> =>
  await beside(async peer => {
    const started = await start(peer)
    try {
      return await measure(started, peer)
    } finally {
      await started.kernel.stop()
    }
  })

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

const cell = async ({ kernel }: Started, code: string): Promise<number> =>
  await timed(async () => await kernel.client.run(code))

async function trivial(started: Started): Promise<number> {
  for (let warm = 0; warm < 20; warm += 1) await cell(started, `${warm}`)
  const times: number[] = []
  for (let at = 0; at < 50; at += 1) times.push(await cell(started, `1 + ${at}`))
  return median(times)
}

const completion =
  (which: 'first' | 'warm') =>
  async (started: Started, peer: PeerKernel): Promise<number> => {
    const { client } = started.kernel
    await cell(started, peer.python ? 'numbers = [1, 2]' : 'const numbers = [1, 2]')
    const code = peer.python ? 'numbers.appe' : 'numbers.filt'
    const ask = async (): Promise<number> =>
      await timed(async () => {
        const reply = await client.ask('shell', 'complete_request', { code, cursor_pos: code.length })
        const matches = (reply.content['matches'] ?? []) as string[]
        if (!matches.some(match => match.endsWith(peer.python ? 'append' : 'filter')))
          throw new Error(`${peer.name} completes ${matches.join()}`)
      })
    const first = await ask()
    if (which === 'first') return first
    return median(await repeated(20, ask))
  }

async function repeated(count: number, measure: () => Promise<number>): Promise<number[]> {
  const values: number[] = []
  for (let at = 0; at < count; at += 1) values.push(await measure())
  return values
}

async function inspection({ kernel }: Started, peer: PeerKernel): Promise<number> {
  const code = peer.python ? 'len' : 'parseInt'
  const ask = async (): Promise<number> =>
    await timed(
      async () => await kernel.client.ask('shell', 'inspect_request', { code, cursor_pos: 3, detail_level: 0 }),
    )
  await ask()
  return median(await repeated(10, ask))
}

const memory = async (started: Started): Promise<number> => {
  await cell(started, '1 + 1')
  return (await memoryBelow(started.kernel.process.pid ?? 0)).reduce((sum, { megabytes }) => sum + megabytes, 0)
}

let printing: ReturnType<typeof printed> | undefined

/** Lines of 20,000 that a notebook saved by nbclient holds, and how long the cell took. */
async function printed(): Promise<{ readonly lines: Line; readonly seconds: Line }> {
  const { runPython } = await import('../tests/protocol/python-client.ts')
  const [arrived, took]: [Line, Line] = [{}, {}]
  for (const peer of await kernels()) {
    const command = peer.command?.('{connection_file}')
    const name = peer.name === 'ipykernel' ? 'python3' : peer.name
    const code = peer.python
      ? 'for i in range(20000): print("line", i)'
      : "for (let i = 0; i < 20000; i++) console.log('line ' + i)"
    const specs = command === undefined || peer.name === 'ipykernel' ? {} : { [peer.name]: command }
    const { status, stdout, stderr } = await runPython(['printed_lines.py', '20000', name, code, '20'], 120_000, specs)
    if (status !== 0) throw new Error(`nbclient with ${peer.name}: ${stderr.slice(-300)}`)
    const { lines, seconds } = JSON.parse(stdout) as { lines: number; seconds: number }
    arrived[peer.name] = lines
    took[peer.name] = seconds
  }
  return { lines: arrived, seconds: took }
}

const interrupt = (place: string): Measurement => ({
  name: `kernel.beside-interrupt-${place}-ms`,
  unit: 'ms',
  runs: 1,
  measure: async () =>
    await beside(async peer => {
      const started = await start(peer)
      try {
        await cell(started, '1 + 1')
        return await interruptMs(peer, place, started)
      } catch {
        return NEVER_MS
      } finally {
        started.kernel.process.kill('SIGKILL')
        await started.kernel.stop()
      }
    }),
})

export const measurements: readonly Measurement[] = [
  {
    name: 'kernel.beside-ready-ms',
    unit: 'ms',
    runs: 3,
    measure: async () =>
      await beside(async peer => {
        const { kernel, readyMs } = await start(peer)
        await kernel.stop()
        return readyMs
      }),
  },
  {
    name: 'kernel.beside-first-cell-ms',
    unit: 'ms',
    runs: 3,
    measure: within(async started => await cell(started, '1 + 1')),
  },
  { name: 'kernel.beside-trivial-cell-ms', unit: 'ms', runs: 1, measure: within(trivial) },
  { name: 'kernel.beside-completion-first-ms', unit: 'ms', runs: 1, measure: within(completion('first')) },
  { name: 'kernel.beside-completion-warm-ms', unit: 'ms', runs: 1, measure: within(completion('warm')) },
  { name: 'kernel.beside-inspect-ms', unit: 'ms', runs: 1, measure: within(inspection) },
  ...Object.keys(PLACES).map(interrupt),
  {
    name: 'kernel.beside-nbclient-lines',
    unit: 'lines',
    runs: 1,
    measure: async () => (await (printing = printed())).lines,
  },
  // The same run: what counts beside the lines that arrive is how long they took.
  {
    name: 'kernel.beside-nbclient-s',
    unit: 's',
    runs: 1,
    measure: async () => (await (printing ??= printed())).seconds,
  },
  { name: 'kernel.beside-memory-mb', unit: 'MB', runs: 1, measure: within(memory) },
]
