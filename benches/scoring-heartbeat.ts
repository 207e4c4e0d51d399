/** Heartbeats of a kernel that trains and scores beside them, as a front end sees them; the same kernel before is the limit. */
import { join } from 'node:path'
import { bundleFolder } from '../kernel/setup/places.ts'
import { ensureSetup } from '../kernel/setup/setup.ts'
import type { StartedKernel } from '../tests/protocol/client.ts'
import type { Measurement } from './bench.ts'

const BEATS = 500
const EVERY_MS = 10

/** The training is endless, so it runs as long as beats are counted. */
const CELLS = [
  '%topic sensors --from earliest --time measuredAt;',
  '%%train sensors --features temp,vibration --rows 5000 --epochs 100000 --as endless;',
  '%%score sensors --detector auto --features temp,vibration --by machineId --as scored;',
  'await scored.take(1000);',
  'for await (const epoch of endless.curve) if (epoch.epoch >= 3) break',
]

async function heartbeats(): Promise<Record<string, number>> {
  await ensureSetup({ only: ['bundle'] })
  process.env['RIFFLE_KERNEL_MAIN'] = join(bundleFolder, 'kernel/main.js')
  const { startKernel } = await import('../tests/protocol/client.ts')
  const kernel = await startKernel({ environment: { RIFFLE_TYPES: 'off' } })
  try {
    await kernel.client.reply(kernel.client.send('shell', 'kernel_info_request', {}))
    const before = await beats(kernel)
    for (const cell of CELLS) await succeed(kernel, cell)
    const beside = await beats(kernel)
    return { p99: beside.p99, most: beside.most, 'p99-before': before.p99, 'most-before': before.most }
  } finally {
    await kernel.stop()
  }
}

async function beats({ client }: StartedKernel): Promise<{ p99: number; most: number }> {
  const times: number[] = []
  for (let n = 0; n < BEATS; n++) {
    const began = performance.now()
    await client.heartbeat('beat')
    times.push(performance.now() - began)
    await new Promise(resolve => setTimeout(resolve, EVERY_MS))
  }
  times.sort((a, b) => a - b)
  return { p99: times[Math.floor(0.99 * BEATS)]!, most: times.at(-1)! }
}

async function succeed({ client }: StartedKernel, code: string): Promise<void> {
  const { reply } = await client.run(code)
  if (reply.content['status'] !== 'ok') throw new Error(`${code.slice(0, 60)}: ${String(reply.content['evalue'])}`)
}

export const heartbeatMeasurement: Measurement = {
  name: 'scoring.heartbeat-beside-training-ms',
  unit: 'ms',
  runs: 1,
  measure: heartbeats,
}
