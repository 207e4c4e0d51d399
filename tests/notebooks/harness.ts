/** One Jupyter Server for a test file, a fresh kernel for each test, cells typed as text. */
import { readFileSync } from 'node:fs'
import { ensureSetup } from '../../kernel/setup/setup.ts'
import { startJupyterServer, type JupyterServer } from '../../kernel/setup/jupyter-server.ts'
import { LiveClient, type LiveChart } from './live-client.ts'
import { runCell, startKernel, type CellRun, type RunningKernel } from './notebook-run.ts'
import type { LiveBundle } from '../../stream/charts/protocol.ts'
import type { DumpedRecord } from './reference-windows.ts'

let server: JupyterServer | undefined

export function startServer(): Promise<void> {
  return startServerWith({})
}

/** `env`: variables for the server and its kernels. */
export async function startServerWith(env: NodeJS.ProcessEnv): Promise<void> {
  await ensureSetup()
  server = await startJupyterServer({ env })
}

export async function stopServer(): Promise<void> {
  await server?.stop()
}

/** A kernel with a live client, and what a test does with them. */
export class Session {
  readonly running: RunningKernel
  readonly live: LiveClient
  #cells = 0

  /** A fresh kernel for `test`, shut down whatever happens. */
  static async use<T>(test: (session: Session) => Promise<T>): Promise<T> {
    if (server === undefined) throw new Error('startServer() has not run')
    const session = new Session(await startKernel(server))
    try {
      return await test(session)
    } finally {
      await session.running.dispose()
    }
  }

  constructor(running: RunningKernel) {
    this.running = running
    this.live = new LiveClient(running.kernel, running.order)
  }

  /** Runs one cell; its charts are attached the moment they arrive. The same `id` is the same cell run again. */
  async run(
    source: string,
    id = `cell-${++this.#cells}`,
  ): Promise<CellRun & { readonly charts: readonly LiveBundle[] }> {
    const charts: LiveBundle[] = []
    const run = await runCell(this.running, { id, source }, bundle => {
      const chart = bundle['application/vnd.riffle.live.v1+json'] as LiveBundle | undefined
      if (chart === undefined) return
      charts.push(chart)
      this.live.attach(chart)
    })
    return { ...run, charts }
  }

  /** Runs a cell that must show exactly one chart. */
  async show(source: string, id?: string): Promise<LiveBundle> {
    const run = await this.run(source, id)
    const chart = run.charts[0]
    if (run.status !== 'ok' || chart === undefined || run.charts.length !== 1) {
      throw new Error(`expected one chart, got ${run.charts.length}: ${JSON.stringify(run.outputs)}`)
    }
    return chart
  }

  async frames(chart: LiveBundle, count: number): Promise<LiveChart> {
    const target = this.live.chart(chart.chartId).frames + count
    return this.live.until(chart.chartId, `${count} more frames`, seen => seen.frames >= target)
  }

  /** Every record of a topic as the notebook reads it now, written to a file by the cell: text outputs are rate limited. */
  async dump(topic: string, path: string): Promise<DumpedRecord[]> {
    const run = await this.run(`
      import { writeFileSync } from 'node:fs'
      const everything = await topic('${topic}', { from: 'earliest', to: 'latest' })
      const dumped = await everything
        .map((row, m) => ({ row, key: m.key, partition: m.partition, offset: Number(m.offset), timestampMs: m.timestamp }))
        .toArray()
      writeFileSync(${JSON.stringify(path)}, JSON.stringify(dumped));`)
    if (run.status !== 'ok') throw new Error(`dump failed: ${JSON.stringify(run.outputs)}`)
    return JSON.parse(readFileSync(path, 'utf8')) as DumpedRecord[]
  }
}
