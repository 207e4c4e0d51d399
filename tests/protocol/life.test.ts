/** Start, shutdown, crashes, orphans. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { Client, HANG_MS, isStatus, startKernel } from './client.ts'

test('kernel_info is answered before the children are up', async () => {
  const kernel = await startKernel()
  try {
    const { client } = kernel
    const info = client.send('shell', 'kernel_info_request', {})
    const cell = client.execute('1')
    await client.reply(info)
    assert.equal(
      client.received.some(message => message.parent.msg_id === cell && message.header.msg_type === 'execute_reply'),
      false,
    )
    assert.equal((await client.reply(cell)).content['status'], 'ok')
  } finally {
    await kernel.stop()
  }
})

for (const restart of [false, true]) {
  test(`shutdown with restart ${restart} answers the same flag, then the process and its children end`, async () => {
    const kernel = await startKernel()
    const { client } = kernel
    const { iopub } = await client.run('process.pid')
    const cells = Number(
      iopub.find(message => message.header.msg_type === 'execute_result')?.content['data']['text/plain'],
    )
    const id = client.send('control', 'shutdown_request', { restart })
    const reply = await client.reply(id)
    assert.deepEqual(reply.content, { status: 'ok', restart })
    assert.equal(await kernel.exited, 0)
    assert.equal(alive(cells), false)
    await kernel.stop()
  })
}

test('ipc sockets work and their files are gone afterwards', async () => {
  const kernel = await startKernel({ transport: 'ipc' })
  assert.equal((await kernel.client.run('1')).reply.content['status'], 'ok')
  assert.equal(await kernel.client.heartbeat('ipc'), 'ipc')
  kernel.client.send('control', 'shutdown_request', { restart: false })
  await kernel.exited
  assert.equal(existsSync(`${kernel.ports.ip}-${kernel.ports.shell}`), false)
  await kernel.stop()
})

test('with keys in the connection file all is encrypted, and a client without keys hears nothing', async () => {
  const kernel = await startKernel({ curve: true })
  const plain = new Client(kernel.ports, kernel.key)
  try {
    plain.send('shell', 'kernel_info_request', {})
    assert.equal((await kernel.client.run('1')).reply.content['status'], 'ok')
    assert.deepEqual(plain.received, [])
  } finally {
    plain.close()
    await kernel.stop()
  }
})

test('process.exit in a cell ends the cells process only: an error says what is lost, the next cell runs', async () => {
  const kernel = await startKernel()
  try {
    const { client } = kernel
    await client.run('const lost = 1')
    const { reply, iopub } = await client.run('console.log("last words"); process.exit(3)')
    assert.equal(reply.content['status'], 'error')
    assert.match(
      reply.content['evalue'],
      /exit code 3: the variables of the notebook are lost, streams and charts go on/,
    )
    assert.ok(iopub.some(message => message.content['text'] === 'last words\n'))
    assert.ok((reply.content['traceback'] as string[]).includes('Lost: lost'))
    assert.equal(iopub.filter(message => message.header.msg_type === 'error').length, 1)
    const next = await client.run('typeof lost', { user_expressions: {} }, {})
    assert.equal(next.reply.content['status'] === 'ok' || next.reply.content['ename'] === 'TypeScriptError', true)
    assert.equal((await client.run('1 + 1')).reply.content['status'], 'ok')
  } finally {
    await kernel.stop()
  }
})

test('memory that runs out in a cell ends the cells process only', async () => {
  const kernel = await startKernel({ environment: { NODE_OPTIONS: '--max-old-space-size=100' } })
  try {
    const { client } = kernel
    const { reply } = await client.run('const all: number[][] = []; for (;;) all.push(new Array(100_000).fill(1))')
    assert.equal(reply.content['ename'], 'CellsReplaced')
    assert.equal((await client.run('1 + 1')).reply.content['status'], 'ok')
    assert.equal(await client.heartbeat('alive'), 'alive')
  } finally {
    await kernel.stop()
  }
})

test('endless recursion, a late throw and a forgotten rejection are errors of their cell', async () => {
  const kernel = await startKernel()
  try {
    const { client } = kernel
    const { reply } = await client.run('const kept = 1\nfunction deeper(): number { return deeper() + 1 }\ndeeper()')
    assert.deepEqual(
      [reply.content['ename'], reply.content['evalue']],
      ['RangeError', 'Maximum call stack size exceeded'],
    )
    assert.ok((reply.content['traceback'] as string[]).length < 20, 'equal frames are told once')
    const late = await client.run(
      'setTimeout(() => { throw new TypeError("late throw") }, 1); void Promise.reject(new Error("forgotten"));',
    )
    assert.equal(late.reply.content['status'], 'ok')
    for (const evalue of ['late throw', 'forgotten'])
      await client.until(
        one => one.header.msg_type === 'error' && one.parent.msg_id === late.id && one.content['evalue'] === evalue,
      )
    assert.equal((await client.run('kept')).reply.content['status'], 'ok')
  } finally {
    await kernel.stop()
  }
})

test('SIGINT from a terminal is a Stop, never the end', async () => {
  const kernel = await startKernel()
  try {
    const { client } = kernel
    const id = client.execute('console.log("waiting"); await new Promise(() => {})')
    await client.until(message => message.parent.msg_id === id && message.content['text'] === 'waiting\n')
    kernel.process.kill('SIGINT')
    assert.equal((await client.reply(id)).content['status'], 'error')
    assert.equal((await client.run('1 + 1')).reply.content['status'], 'ok')
  } finally {
    await kernel.stop()
  }
})

test('the cells process knows neither key nor connection file', async () => {
  const kernel = await startKernel({ environment: { SOMETHING_WITH_PATH: 'kept' } })
  try {
    const { id } = await kernel.client.run('console.log(JSON.stringify([process.env, process.argv]))')
    const text = kernel.client.text(id)
    assert.ok(text.includes('SOMETHING_WITH_PATH'))
    assert.equal(text.includes(kernel.key), false)
    assert.equal(text.includes(kernel.connectionFile), false)
  } finally {
    await kernel.stop()
  }
})

test('the kernel ends when its parent is gone', async () => {
  const parent = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] })
  const kernel = await startKernel({ environment: { JPY_PARENT_PID: String(parent.pid) } })
  await kernel.client.ask('shell', 'kernel_info_request')
  parent.kill('SIGKILL')
  assert.equal(await kernel.exited, 0)
  await kernel.stop()
})

test('a taken port ends the kernel at once with one line', async () => {
  const kernel = await startKernel()
  try {
    await kernel.client.ask('shell', 'kernel_info_request')
    const second = spawn(process.execPath, [kernel.process.spawnargs[1] as string, kernel.connectionFile], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let text = ''
    second.stderr.on('data', (bytes: Buffer) => (text += bytes.toString()))
    const code = await new Promise(resolve => second.once('close', resolve))
    assert.equal(code, 1)
    assert.match(text, /^riffle: .*\n$/)
  } finally {
    await kernel.stop()
  }
})

test('a crash of the cells process while idle is not seen until the next cell, which runs', async () => {
  const kernel = await startKernel()
  try {
    const { client } = kernel
    const { iopub } = await client.run('process.pid')
    const pid = Number(
      iopub.find(message => message.header.msg_type === 'execute_result')?.content['data']['text/plain'],
    )
    process.kill(pid, 'SIGKILL')
    // Asked until the new process answers: an execute sent to the dying one is answered with an error, never lost.
    for (;;) {
      const { reply } = await client.run('process.pid')
      if (reply.content['status'] === 'ok') break
      assert.equal(reply.content['ename'], 'CellsReplaced')
    }
    assert.ok(client.received.some(message => isStatus(message, 'idle')))
  } finally {
    await kernel.stop()
  }
})

test('shutdown while a cell loops ends the kernel and its children in time', async () => {
  const kernel = await startKernel()
  const { client } = kernel
  const cell = client.execute('console.log(process.pid); for (;;) {}')
  const started = await client.until(message => message.parent.msg_id === cell && message.header.msg_type === 'stream')
  client.send('control', 'shutdown_request', { restart: true })
  assert.equal(await kernel.exited, 0)
  assert.equal(alive(Number(started.content['text'])), false)
  await kernel.stop()
})

test('children end when the kernel is killed, even those that loop', async () => {
  const kernel = await startKernel()
  const { client } = kernel
  const cell = client.execute('console.log(process.pid); for (;;) {}')
  await client.until(message => message.parent.msg_id === cell && message.header.msg_type === 'stream')
  const children = childrenOf(kernel.process.pid!)
  assert.ok(children.length >= 2)
  kernel.process.kill('SIGKILL')
  await kernel.exited
  const limit = performance.now() + HANG_MS
  while (children.some(alive)) {
    assert.ok(performance.now() < limit, 'a child outlived the kernel')
    await new Promise(resolve => setImmediate(resolve))
  }
  await kernel.stop()
})

function childrenOf(parent: number): number[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')
  return rows
    .map(row => row.trim().split(/\s+/).map(Number))
    .filter(([, above]) => above === parent)
    .map(([pid]) => pid!)
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
