/** The kernel as a front end meets it: start, first cell, trivial cell, printed lines, interrupt, memory. Types are off where the name does not say typed. */
import { join } from 'node:path'
import { bundleFolder } from '../kernel/setup/places.ts'
import { ensureSetup } from '../kernel/setup/setup.ts'
import type { StartedKernel } from '../tests/protocol/client.ts'
import { median, type BenchSetup, type Measurement } from './bench.ts'
import { interruptMs, PLACES } from './peers/kernels.ts'
import { memoryBelow } from './process-memory.ts'

export const setup: BenchSetup = async () => {
  await ensureSetup({ only: ['bundle'] })
  process.env['RIFFLE_KERNEL_MAIN'] = join(bundleFolder, 'kernel/main.js')
  return () => undefined
}

async function started(types: 'on' | 'off'): Promise<{ kernel: StartedKernel; startMs: number }> {
  const { startKernel } = await import('../tests/protocol/client.ts')
  const began = performance.now()
  const kernel = await startKernel({ environment: { RIFFLE_TYPES: types } })
  await kernel.client.reply(kernel.client.send('shell', 'kernel_info_request', {}))
  return { kernel, startMs: performance.now() - began }
}

/** Starts a kernel, hands it over and stops it whatever happens. */
async function withKernel<T>(types: 'on' | 'off', use: (kernel: StartedKernel) => Promise<T>): Promise<T> {
  const { kernel } = await started(types)
  try {
    return await use(kernel)
  } finally {
    await kernel.stop()
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

async function succeed(kernel: StartedKernel, code: string): Promise<string> {
  const { id, reply } = await kernel.client.run(code)
  if (reply.content['status'] !== 'ok')
    throw new Error(`The cell ${code.slice(0, 60)} failed: ${String(reply.content['evalue'])}`)
  return id
}

const trivialCell = (types: 'on' | 'off') => () =>
  withKernel(types, async kernel => {
    for (let warm = 0; warm < 20; warm++) await succeed(kernel, `const warm = ${warm}`)
    const times: number[] = []
    for (let run = 0; run < 50; run++) times.push(await timed(() => succeed(kernel, `1 + ${run}`)))
    return median(times)
  })

const firstCell = (types: 'on' | 'off') => () =>
  withKernel(types, kernel => timed(() => succeed(kernel, 'const answer: number = 42')))

const printedLines = (count: number) => () =>
  withKernel('off', async kernel => {
    await succeed(kernel, '1')
    let id = ''
    const took = await timed(
      async () => (id = await succeed(kernel, `for (let i = 0; i < ${count}; i++) console.log(i)`)),
    )
    const lines = kernel.client.text(id).trimEnd().split('\n')
    if (lines.length !== count || lines.some((line, index) => line !== String(index)))
      throw new Error(`${lines.length} of ${count} lines arrived`)
    return took
  })

async function saturatedRatio(): Promise<number> {
  return withKernel('off', async kernel => {
    const trivial = async (): Promise<number> => {
      const times: number[] = []
      for (let run = 0; run < 50; run++) times.push(await timed(() => succeed(kernel, `1 + ${run}`)))
      return median(times)
    }
    await succeed(kernel, '%topic orders')
    const alone = await trivial()
    await succeed(kernel, '%%generate orders --rate 20000')
    await succeed(kernel, '%%window orders --tumbling 1s --by region --as saturated')
    return (await trivial()) / alone
  })
}

/** One Stop for each place it has to reach, in one kernel. */
async function interrupts(): Promise<Record<string, number>> {
  return withKernel('off', async kernel => {
    const peer = { name: 'riffle', command: undefined, python: false, interrupts: 'message' } as const
    const times: Record<string, number> = {}
    for (const place of Object.keys(PLACES)) {
      await succeed(kernel, '1')
      const took = await interruptMs(peer, place, { kernel, readyMs: 0 })
      if (took === undefined) throw new Error(`The cell of ${place} ended by itself`)
      times[place] = took
    }
    return times
  })
}

const completion = (cells: number) => () =>
  withKernel('on', async kernel => {
    for (let cell = 0; cell < cells; cell++) await succeed(kernel, `const value${cell} = { field: ${cell} }`)
    const code = cells > 0 ? 'value1.fie' : '[1, 2].filt'
    const ask = () =>
      timed(async () => {
        const { content } = await kernel.client.ask('shell', 'complete_request', { code, cursor_pos: code.length })
        if ((content['matches'] as string[]).length === 0) throw new Error(`Nothing completes ${code}`)
      })
    await ask()
    const times: number[] = []
    for (let run = 0; run < 20; run++) times.push(await ask())
    return median(times)
  })

/** A kernel asked for nothing else: what a reader sees who types before the first cell. */
const firstCompletion = () =>
  withKernel('on', kernel =>
    timed(async () => {
      const { content } = await kernel.client.ask('shell', 'complete_request', { code: 'Math.hyp', cursor_pos: 8 })
      if (!(content['matches'] as string[]).includes('hypot')) throw new Error('Math.hyp does not complete')
    }),
  )

/** Heartbeats and control while a cell loops. */
async function heartbeats(): Promise<Record<string, number>> {
  return withKernel('off', async kernel => {
    const id = kernel.client.execute("console.log('in'); while (true) {}")
    await kernel.client.until(message => message.parent.msg_id === id && message.content['name'] === 'stdout')
    const times: number[] = []
    for (let run = 0; run < 200; run++) times.push(await timed(() => kernel.client.heartbeat('beat')))
    kernel.client.send('control', 'interrupt_request', {})
    await kernel.client.reply(id)
    times.sort((a, b) => a - b)
    return { p50: times[100] ?? Number.NaN, p99: times[198] ?? Number.NaN }
  })
}

/** The same cell through nbclient, ours beside ipykernel: what is lost is told instead of a time. */
async function throughNbclient(): Promise<Record<string, number>> {
  const { runPython } = await import('../tests/protocol/python-client.ts')
  const print = { riffle: [], python3: ['python3', 'for i in range(20000): print("line", i)'] }
  const times: Record<string, number> = {}
  for (const [kernel, rest] of Object.entries(print)) {
    const { status, stdout, stderr } = await runPython(['printed_lines.py', '20000', ...rest], 120_000)
    if (status !== 0) throw new Error(`nbclient with ${kernel}: ${stderr.slice(-300)}`)
    const { lines, ordered, seconds } = JSON.parse(stdout) as { lines: number; ordered: boolean; seconds: number }
    if (!ordered) throw new Error(`nbclient with ${kernel}: ${lines} of 20000 lines in the notebook`)
    times[kernel] = seconds * 1000
  }
  return times
}

const memoryByProcess = (cells: number) => (): Promise<Record<string, number>> =>
  withKernel('on', async kernel => {
    for (let cell = 0; cell < cells; cell++) await succeed(kernel, `const answer${cell}: number = ${cell}`)
    const result: Record<string, number> = { total: 0 }
    for (const { command, megabytes } of await memoryBelow(kernel.process.pid ?? 0)) {
      const name =
        /kernel\/(main|cells|engine)\.js/.exec(command)?.[1] ?? (/tsc|--lsp/.test(command) ? 'types' : 'other')
      result[name] = (result[name] ?? 0) + megabytes
      result['total'] = (result['total'] ?? 0) + megabytes
    }
    return result
  })

export const measurements: readonly Measurement[] = [
  {
    name: 'kernel.start-ms',
    unit: 'ms',
    measure: async () => {
      const { kernel, startMs } = await started('on')
      await kernel.stop()
      return startMs
    },
  },
  { name: 'kernel.first-cell-ms', unit: 'ms', measure: firstCell('off') },
  { name: 'kernel.first-cell-typed-ms', unit: 'ms', measure: firstCell('on') },
  { name: 'kernel.trivial-cell-ms', unit: 'ms', measure: trivialCell('off') },
  { name: 'kernel.trivial-cell-typed-ms', unit: 'ms', measure: trivialCell('on') },
  { name: 'kernel.trivial-cell-saturated-ratio', unit: 'ratio', measure: saturatedRatio, runs: 3 },
  { name: 'kernel.printed-lines-3000-ms', unit: 'ms', measure: printedLines(3000) },
  { name: 'kernel.printed-lines-20000-ms', unit: 'ms', measure: printedLines(20_000) },
  { name: 'kernel.nbclient-lines-20000-ms', unit: 'ms', measure: throughNbclient, runs: 3 },
  { name: 'kernel.completion-first-ms', unit: 'ms', measure: firstCompletion },
  { name: 'kernel.completion-warm-ms', unit: 'ms', measure: completion(0), runs: 3 },
  { name: 'kernel.completion-200-cells-ms', unit: 'ms', measure: completion(200), runs: 1 },
  { name: 'kernel.interrupt-ms', unit: 'ms', measure: interrupts, runs: 3 },
  { name: 'kernel.heartbeat-ms', unit: 'ms', measure: heartbeats, runs: 3 },
  { name: 'kernel.memory-mb', unit: 'MB', measure: memoryByProcess(1), runs: 3 },
  { name: 'kernel.memory-200-cells-mb', unit: 'MB', measure: memoryByProcess(200), runs: 1 },
]
