/** Comms: chart comms go to the engine whatever a cell does, all others to the cells process. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Loose, Message } from './client.ts'
import { kernelOfFile, whileLooping } from './kernel-of-file.ts'

const kernel = await kernelOfFile()
const { client } = kernel

const fromKernel = (id: string, check: (data: Record<string, Loose>) => boolean) => (message: Message) =>
  message.header.msg_type === 'comm_msg' && message.content['comm_id'] === id && check(message.content['data'])

test('a chart comm is welcomed by the engine with the comm as parent', async () => {
  const id = randomUUID()
  const opened = client.send('shell', 'comm_open', {
    comm_id: id,
    target_name: 'riffle.live.v1',
    data: { type: 'hello', protocol: 1, client: 'a browser' },
  })
  await client.idle(opened)
  const welcome = await client.until(fromKernel(id, data => data['type'] === 'welcome'))
  assert.equal(welcome.parent.msg_id, opened)
  assert.equal(welcome.content['data'].client, 'a browser')
  assert.equal(welcome.content['data'].protocol, 1)
  const info = await client.ask('shell', 'comm_info_request', { target_name: 'riffle.live.v1' })
  assert.deepEqual(info.content['comms'], { [id]: { target_name: 'riffle.live.v1' } })
  client.send('shell', 'comm_close', { comm_id: id, data: {} })
  const after = await client.ask('shell', 'comm_info_request', {})
  assert.equal(id in after.content['comms'], false)
})

test('a text that is being typed is told its mistakes: magic headers, types, names of cells that have not run', async () => {
  const id = randomUUID()
  client.send('shell', 'comm_open', { comm_id: id, target_name: 'riffle.editor.v1', data: {} })
  let asked = 0
  const problemsOf = async (code: string): Promise<unknown[]> => {
    const ask = ++asked
    client.send('shell', 'comm_msg', { comm_id: id, data: { type: 'check', ask, cellId: 'typed', code } })
    const answer = await client.until(fromKernel(id, data => data['ask'] === ask))
    assert.equal(answer.content['data'].type, 'problems')
    return (answer.content['data'].problems as { from: number; to: number; message: string; level: string }[]).map(
      ({ from, to, message, level }) => [
        code.slice(from, to),
        level,
        message.split('\n')[0]?.replace(/'\{.*\}'/, '{…}'),
      ],
    )
  }
  assert.deepEqual(await problemsOf('%%window orders --tumblin 10s'), [
    ['--tumblin', 'error', 'UsageError: %%window has no option --tumblin, did you mean --tumbling'],
  ])
  assert.deepEqual(await problemsOf("// 🚀\nconst told: number = 'x'"), [
    ['told', 'error', "TS2322: Type 'string' is not assignable to type 'number'."],
  ])
  assert.equal((await client.run('%topic orders --limit 1;')).reply.content['status'], 'ok')
  assert.deepEqual(await problemsOf('%%filter orders\no => o.amounts > 5'), [
    ['amounts', 'error', "TS2551: Property 'amounts' does not exist on type {…}. Did you mean 'amount'?"],
  ])
  assert.deepEqual(await problemsOf('notYetRun + 1'), [
    ['notYetRun', 'warning', "TS2304: Cannot find name 'notYetRun'."],
  ])
  assert.deepEqual(await problemsOf('const half = ('), [])
  assert.deepEqual(await problemsOf('%%window orders --tumbling 10s'), [])
  // Nothing of it was run.
  assert.match(String((await client.run('told')).reply.content['evalue']), /Cannot find name 'told'/)
})

test('a chart comm is answered while a cell loops', async () => {
  await whileLooping(client, async () => {
    const id = randomUUID()
    client.send('shell', 'comm_open', {
      comm_id: id,
      target_name: 'riffle.live.v1',
      data: { type: 'hello', protocol: 1, client: 'b' },
    })
    await client.until(fromKernel(id, data => data['type'] === 'welcome'))
  })
})

test('a comm of the notebook is opened from the front, answered, with buffers, and closed', async () => {
  const { reply } = await client.run(
    `comms.register('echo', (comm, data) => {\n  comm.send({ opened: data })\n  comm.on('message', (data, buffers) => comm.send({ echoed: data }, buffers))\n})`,
  )
  assert.equal(reply.content['status'], 'ok')
  const id = randomUUID()
  const opened = client.send('shell', 'comm_open', { comm_id: id, target_name: 'echo', data: { start: 1 } })
  const first = await client.until(fromKernel(id, data => 'opened' in data))
  assert.deepEqual(first.content['data'], { opened: { start: 1 } })
  assert.equal(first.parent.msg_id, opened)
  const sent = client.send('shell', 'comm_msg', { comm_id: id, data: { n: 2 } }, { buffers: [Buffer.from([1, 2, 3])] })
  const second = await client.until(fromKernel(id, data => 'echoed' in data))
  assert.deepEqual(second.content['data'], { echoed: { n: 2 } })
  assert.equal(second.parent.msg_id, sent)
  assert.deepEqual([...second.buffers[0]!], [1, 2, 3])
  client.send('shell', 'comm_close', { comm_id: id, data: {} })
  assert.deepEqual((await client.ask('shell', 'comm_info_request', { target_name: 'echo' })).content['comms'], {})
})

test('a comm for a target nobody registered is closed', async () => {
  const id = randomUUID()
  client.send('shell', 'comm_open', { comm_id: id, target_name: 'nobody', data: {} })
  await client.until(message => message.header.msg_type === 'comm_close' && message.content['comm_id'] === id)
})

test('an engine that dies is replaced: its comms are closed, a new one is welcomed by another instance', async () => {
  const open = (id: string) =>
    client.send('shell', 'comm_open', {
      comm_id: id,
      target_name: 'riffle.live.v1',
      data: { type: 'hello', protocol: 1, client: 'c' },
    })
  const [first, second] = [randomUUID(), randomUUID()]
  open(first)
  const before = await client.until(fromKernel(first, data => data['type'] === 'welcome'))
  process.kill(engineOf(kernel.process.pid!), 'SIGKILL')
  await client.until(message => message.header.msg_type === 'comm_close' && message.content['comm_id'] === first)
  open(second)
  const after = await client.until(fromKernel(second, data => data['type'] === 'welcome'))
  assert.notEqual(after.content['data'].instance, before.content['data'].instance)
  assert.equal(
    (await client.run("(await topic('orders', { from: 'earliest' })).take(1)")).reply.content['status'],
    'ok',
  )
})

test('with checkpoints on, pages of an engine that dies are welcomed by the next, which knows their charts', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'comms-'))
  try {
    await client.run(`%checkpoint 1h --folder ${folder}\n%topic orders`)
    const shown = await client.run('%%chart orders --mark table')
    assert.equal(shown.reply.content['evalue'], undefined)
    const bundles = shown.iopub.map(({ content }) => content['data']?.['application/vnd.riffle.live.v1+json'] as Loose)
    const { chartId } = bundles.find(bundle => bundle !== undefined)!
    const id = randomUUID()
    const data = { type: 'hello', protocol: 1, client: 'd' }
    const next = (check: (data: Record<string, Loose>) => boolean) => {
      const known = new Set(client.received)
      return client.until(message => !known.has(message) && fromKernel(id, check)(message))
    }
    const subscribed = async () => {
      const subscribe = { type: 'subscribe', chartId, since: 0, visible: true }
      client.send('shell', 'comm_msg', { comm_id: id, data: subscribe })
      const { content } = await next(({ type }) => type === 'frame' || type === 'gone')
      return [content['data'].type, content['data'].charts?.[0].chartId]
    }
    const welcomed = () => next(({ type }) => type === 'welcome')
    const first = welcomed()
    client.send('shell', 'comm_open', { comm_id: id, target_name: 'riffle.live.v1', data })
    const before = await first
    assert.deepEqual(await subscribed(), ['frame', chartId])
    const again = welcomed()
    process.kill(engineOf(kernel.process.pid!), 'SIGKILL')
    const after = await again
    assert.equal(after.content['data'].instance, before.content['data'].instance)
    assert.deepEqual(await subscribed(), ['frame', chartId])
    await client.run('%checkpoint off\n%stop orders')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

/** The child of the kernel that runs engine.js. */
function engineOf(kernelPid: number): number {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).trim().split('\n')
  const row = rows
    .map(line => line.trim().split(/\s+/))
    .find(([, parent, ...args]) => Number(parent) === kernelPid && /engine\.[jt]s$/.test(args.join(' ')))
  return Number(row?.[0])
}
