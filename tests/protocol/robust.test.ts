/** Several kernels at once, restarts, and frames that no client would send. LONG=1 goes on for ten minutes. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { memoryBelow } from '../../benches/process-memory.ts'
import { startKernel } from './client.ts'
import type { Client } from './client.ts'

const long = process.env['LONG'] !== undefined

/** Same seed, same frames. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

test('several kernels at once know nothing of each other', async () => {
  const kernels = await Promise.all(Array.from({ length: long ? 20 : 4 }, () => startKernel()))
  await Promise.all(
    kernels.map(async ({ client }, at) => {
      await client.run(`const mine = ${at}`)
      const { iopub } = await client.run('mine')
      assert.equal(
        iopub.find(one => one.header.msg_type === 'execute_result')?.content['data']['text/plain'],
        String(at),
      )
    }),
  )
  await Promise.all(kernels.map(async kernel => await kernel.stop()))
})

test('kernels that were started and ended leave neither process nor file', async () => {
  // A folder for temporary files that nobody else uses.
  const folder = mkdtempSync(join(tmpdir(), 'riffle-leak-'))
  const pids: number[] = []
  for (let round = 0; round < (long ? 20 : 3); round += 1) {
    const kernel = await startKernel({ environment: { TMPDIR: folder } })
    const { iopub } = await kernel.client.run('process.pid')
    pids.push(Number(iopub.find(one => one.header.msg_type === 'execute_result')?.content['data']['text/plain']))
    pids.push(kernel.process.pid ?? 0)
    assert.notDeepEqual(readdirSync(folder), [])
    await kernel.client.ask('control', 'shutdown_request', { restart: true })
    assert.equal(await kernel.exited, 0)
    await kernel.stop()
  }
  assert.deepEqual(pids.filter(alive), [])
  // Node 22 and later keep compiled code there for the next start, on purpose.
  assert.deepEqual(
    readdirSync(folder).filter(name => name !== 'node-compile-cache'),
    [],
  )
})

test('random frames, JSON that is none, wrong signatures and random headers of magics do no harm', async () => {
  const kernel = await startKernel()
  const { client } = kernel
  await client.run('const kept = 42')
  const began = performance.now()
  const spentMs = () => performance.now() - began
  const memory = async () =>
    (await memoryBelow(kernel.process.pid ?? 0)).reduce((sum, { megabytes }) => sum + megabytes, 0)
  let warm: number | undefined
  let seed = 1
  do {
    flood(client, randomOf(seed), 200)
    for (let i = 0; i < 5; i += 1) await client.run(randomHeader(randomOf(seed * 1000 + i)), { stop_on_error: false })
    const { iopub } = await client.run('kept')
    assert.equal(
      iopub.find(one => one.header.msg_type === 'execute_result')?.content['data']['text/plain'],
      '42',
      `seed ${seed}`,
    )
    seed += 1
    // What is read, compiled and kept once is there after two minutes; from then on nothing may grow.
    if (spentMs() > 120_000) warm ??= await memory()
  } while (long && spentMs() < 600_000)
  const end = await memory()
  assert.ok(end < (warm ?? 400) + 50, `${Math.round(warm ?? 0)} MB after two minutes, ${Math.round(end)} at the end`)
  await kernel.stop()
})

function flood(client: Client, random: () => number, count: number): void {
  const bytes = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)))
  for (let i = 0; i < count; i += 1) {
    const channel = random() < 0.5 ? 'shell' : 'control'
    const frames = client.frames(`fuzz-${i}-${random()}`, 'execute_request', { code: 'kept = 0' })
    const kind = Math.floor(random() * 5)
    if (kind === 0)
      client.sendFrames(
        channel,
        Array.from({ length: 1 + Math.floor(random() * 8) }, () => bytes(Math.floor(random() * 40))),
      )
    else if (kind === 1) client.sendFrames(channel, frames.slice(0, Math.floor(random() * frames.length)))
    else if (kind === 2) client.sendFrames(channel, [...frames.slice(0, 1), bytes(64), ...frames.slice(2)])
    else if (kind === 3) client.sendFrames(channel, [...frames.slice(0, 5), bytes(20)])
    else client.sendFrames(channel, client.frames(`forged-${i}`, 'shutdown_request', {}, { key: 'not the key' }))
  }
}

const WORDS = ['%%window', '%topic', '%%filter', 'orders', '--by', '--as', '{', '}', '"', "'", '(', '=>', '--', '\u{1f600}', '\n', '10s', '%', ';', '`'] // prettier-ignore

function randomHeader(random: () => number): string {
  const word = () => WORDS[Math.floor(random() * WORDS.length)] as string
  return `%%${word()}${Array.from({ length: 6 }, () => ` ${word()}`).join('')}`
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
