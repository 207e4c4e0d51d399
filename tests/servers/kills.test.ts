/**
 * kill -9 of the engine, of the cells, of the kernel and of the broker in the middle of a windowed join of two topics into a
 * transactional one: readers of what is committed find the rows of the undisturbed run, each once. LONG=1: a million records; RECORDS=n: so many.
 * A million records take a busy machine of two cores 8 to 18 minutes a kill; fewer than some 20,000 are over before the kill.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openKafka } from '../../stream/connectors/kafka.ts'
import { wallClock } from '../../stream/time/clock.ts'
import { until } from '../hosted/hosted.ts'
import { hangLimitMs } from '../properties/settings.ts'
import { startKernel } from '../protocol/client.ts'
import { startKafka } from './kafka-server.ts'
import type { Connection } from '../../stream/connectors/connector.ts'
import type { StartedKernel } from '../protocol/client.ts'
import type { KafkaServer } from './kafka-server.ts'

/** Of each topic. */
const COUNT = Number(process.env['RECORDS'] ?? (process.env['LONG'] === undefined ? 50_000 : 1_000_000)) / 2
const KEYS = 900
const LIMIT_MS = hangLimitMs(120_000)

const folder = mkdtempSync(join(tmpdir(), 'kills-'))
const kernels: StartedKernel[] = []
let kafka: KafkaServer
let connection: Connection

const keyOf = (topic: number, i: number) => (i * (topic === 0 ? 7919 : 6007)) % KEYS
const timeOf = (i: number) => 1_767_258_000_000 + i

before(async () => {
  kafka = await startKafka()
  connection = await openKafka(kafka.url, { as: 'own', clock: wallClock })
  for (const [topic, name] of ['orders', 'payments'].entries()) {
    await connection.create(name, { partitions: 2 })
    for (let at = 0; at < COUNT; at += 25_000)
      await connection.produce(
        name,
        Array.from({ length: Math.min(25_000, COUNT - at) }, (_, j) => {
          const i = at + j
          const value = Buffer.from(JSON.stringify({ k: keyOf(topic, i), at: timeOf(i), v: i }))
          return { key: null, value, timestampMs: timeOf(i), partition: i % 2 }
        }),
      )
  }
})
after(async () => {
  for (const kernel of kernels) await kernel.stop().catch(() => {})
  await connection?.close()
  await kafka?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Every pair of equal keys in the same second, by a loop over seconds. */
function undisturbed(): string[] {
  const rows: string[] = []
  for (let start = 0; start < COUNT; start += 1000) {
    const end = Math.min(COUNT, start + 1000)
    const payments = new Map<number, number[]>()
    for (let i = start; i < end; i++) {
      const key = keyOf(1, i)
      payments.set(key, [...(payments.get(key) ?? []), i])
    }
    for (let i = start; i < end; i++)
      for (const p of payments.get(keyOf(0, i)) ?? []) rows.push(`${keyOf(0, i)} ${i} ${p}`)
  }
  return rows.sort()
}

/** What readers of committed records find. */
async function committed(topic: string): Promise<string[]> {
  const reader = await connection.read(topic, { from: 'earliest', to: 'latest' })
  const rows: string[] = []
  for (let result = await reader.next(); result !== null; result = await reader.next()) {
    const { batch } = result
    for (let i = 0; i < batch.count; i++) {
      const at = batch.valueRanges[2 * i]!
      const text = Buffer.from(batch.bytes.subarray(at, at + batch.valueRanges[2 * i + 1]!)).toString()
      const { k, a, b } = JSON.parse(text) as { k: number; a: number; b: number }
      rows.push(`${k} ${a} ${b}`)
    }
  }
  await reader.close()
  return rows.sort()
}

async function committedCount(topic: string): Promise<number> {
  try {
    const { partitions } = await connection.describe(topic)
    return partitions.reduce((sum, { lowOffset, highOffset }) => sum + Number(highOffset - lowOffset), 0)
  } catch {
    // Not there yet, or the broker is away.
    return 0
  }
}

/** A kernel in the notebook's folder that has run the cells; the last one ends with the sink, which nobody waits for. */
async function runNotebook(out: string): Promise<StartedKernel> {
  const kernel = await startKernel({ cwd: folder })
  kernels.push(kernel)
  const { client } = kernel
  for (const cell of [
    `%connect ${kafka.url}`,
    '%topic orders --from earliest --to latest --time at;',
    '%topic payments --from earliest --to latest --time at;',
    // Slow enough that there is a middle.
    `function slow(o: Record<string, any>) {
  let x = 0
  for (let i = 0; i < 150_000; i++) x += i % 7
  return { k: Number(o.k), v: Number(o.v), x }
}`,
  ]) {
    const { reply } = await client.run(cell)
    assert.equal(reply.content['status'], 'ok', JSON.stringify(reply.content))
  }
  client.execute(`%%join (orders.map(slow)) payments --on k --tumbling 1s --as paid
(l, r) => ({ k: l.k, a: l.v, b: r.v, x: l.x });
%sink paid --topic ${out} --partitions 2 --transactional --as ${out}`)
  return kernel
}

/** Pid of a child of the kernel. */
function childOf(kernel: StartedKernel, name: 'engine' | 'cells'): number {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).trim().split('\n')
  const row = rows
    .map(line => line.trim().split(/\s+/))
    .find(([, parent, ...args]) => Number(parent) === kernel.process.pid && args.join(' ').endsWith(`/${name}.js`))
  return Number(row?.[0])
}

const errorsOf = ({ client }: StartedKernel): unknown[] =>
  client.received
    .filter(message => message.header.msg_type === 'error')
    .map(message => message.content['evalue'] as unknown)

const expected = undisturbed()

const kills: Record<string, (kernel: StartedKernel, out: string) => Promise<void>> = {
  engine: async kernel => void process.kill(childOf(kernel, 'engine'), 'SIGKILL'),
  cells: async kernel => void process.kill(childOf(kernel, 'cells'), 'SIGKILL'),
  kernel: async (kernel, out) => {
    const pid = childOf(kernel, 'engine')
    kernel.process.kill('SIGKILL')
    process.kill(pid, 'SIGKILL')
    await kernel.exited
    await runNotebook(out)
  },
  broker: async () => {
    await kafka.kill()
    await kafka.restart()
  },
}

for (const [what, kill] of Object.entries(kills)) {
  test(
    `kill -9 of the ${what} in the middle: the committed rows are those of the undisturbed run`,
    { timeout: 2 * LIMIT_MS },
    async () => {
      const out = `out${what}`
      const kernel = await runNotebook(out)
      const before = await until(async () => {
        assert.deepEqual(errorsOf(kernel), [])
        const count = await committedCount(out)
        return count > 0 ? count : undefined
      }, LIMIT_MS)
      assert.ok(before < expected.length, `all ${before} rows were there before the kill`)
      await kill(kernel, out)
      await until(async () => {
        // The cell that waited for the sink says that its engine was killed; a cell of the next kernel has nothing to say.
        if (kernels.length > 1) assert.deepEqual(errorsOf(kernels[1]!), [])
        return (await committedCount(out)) >= expected.length ? true : undefined
      }, LIMIT_MS)
      assert.deepEqual(await committed(out), expected)
      for (const each of kernels.splice(0)) await each.stop().catch(() => {})
    },
  )
}
