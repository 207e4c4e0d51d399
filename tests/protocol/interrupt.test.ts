/** Stop ends whatever runs, and what was set before is still there. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startKernel } from './client.ts'
import type { Client, StartedKernel } from './client.ts'

let kernel: StartedKernel
let client: Client

before(async () => {
  kernel = await startKernel()
  client = kernel.client
  await client.run('let kept = 41')
})
after(async () => await kernel.stop())

const blocking: readonly (readonly [string, string])[] = [
  ['a sync loop', 'console.log("started"); while (true) {}'],
  ['a pending await', 'console.log("started"); await new Promise(() => {})'],
  ['a loop after an await', 'await Promise.resolve(); console.log("started"); for (;;) {}'],
  [
    'a loop in an async function',
    'async function spin() { await Promise.resolve(); console.log("started"); for (;;) {} }\nawait spin()',
  ],
  ['a loop in a timer', 'await new Promise(() => setTimeout(() => { console.log("started"); for (;;) {} }, 1))'],
  ['a regular expression', 'console.log("started"); /^(a+)+$/.test("a".repeat(64) + "b")'],
  ['awaits that never leave the microtasks', 'console.log("started"); for (;;) await null'],
  [
    'a for await',
    'async function* never() { console.log("started"); await new Promise(() => {}) }\nfor await (const one of never()) console.log(one)',
  ],
  [
    'a stream that is read',
    'const read = await topic("orders")\nconsole.log("started")\nfor await (const row of read) if (row === null) break',
  ],
  ['a child process', 'import { execSync } from "node:child_process"; console.log("started"); execSync("sleep 60")'],
]

for (const [name, code] of blocking) {
  test(`Stop ends ${name}, variables stay`, async () => {
    const id = client.execute(code)
    await client.until(message => message.parent.msg_id === id && message.content['text'] === 'started\n', 'the start')
    const asked = performance.now()
    const interrupt = client.send('control', 'interrupt_request', {})
    assert.equal((await client.reply(interrupt)).content['status'], 'ok')
    const reply = await client.reply(id, 5000)
    const tookMs = performance.now() - asked
    assert.equal(reply.content['status'], 'error')
    assert.ok(tookMs < 2500, `took ${tookMs} ms`)
    await client.idle(id)
    const { iopub } = await client.run('kept + 1')
    assert.equal(
      iopub.find(message => message.header.msg_type === 'execute_result')?.content['data']['text/plain'],
      '42',
    )
  })
}

test('Stop ends the first of a queue of cells, the others are answered and not run', async () => {
  const first = client.execute('console.log("started"); for (;;) {}')
  const rest = [client.execute('globalThis.queued = true'), client.execute('console.log("queued")')]
  await client.until(message => message.parent.msg_id === first && message.content['text'] === 'started\n', 'the start')
  client.send('control', 'interrupt_request', {})
  const names = await Promise.all(
    [first, ...rest].map(async id => (await client.reply(id)).content['ename'] as unknown),
  )
  assert.deepEqual(names, ['Interrupted', 'Aborted', 'Aborted'])
  for (const id of rest) await client.idle(id)
  assert.equal(client.text(rest[1] ?? ''), '')
  assert.equal((await client.run('kept')).reply.content['status'], 'ok')
})

test('a second Stop right behind the first harms nothing', async () => {
  const id = client.execute('console.log("started"); for (;;) {}')
  await client.until(message => message.parent.msg_id === id && message.content['text'] === 'started\n', 'the start')
  for (let press = 0; press < 2; press += 1) client.send('control', 'interrupt_request', {})
  assert.equal((await client.reply(id)).content['ename'], 'Interrupted')
  const { iopub } = await client.run('let sum = 0; for (let n = 0; n < 1e6; n++) sum += 1; kept + 1')
  assert.equal(iopub.find(message => message.header.msg_type === 'execute_result')?.content['data']['text/plain'], '42')
})

test('Stop answers a waiting prompt', async () => {
  const id = client.execute('await prompt("name?")', { allow_stdin: true })
  await client.until(message => message.header.msg_type === 'input_request' && message.parent.msg_id === id)
  client.send('control', 'interrupt_request', {})
  assert.equal((await client.reply(id)).content['status'], 'error')
  assert.equal((await client.run('kept')).reply.content['status'], 'ok')
})

test('Stop without a running cell, twice, harms neither now nor the next cell', async () => {
  for (let time = 0; time < 2; time += 1)
    assert.equal((await client.ask('control', 'interrupt_request')).content['status'], 'ok')
  assert.equal((await client.run('kept')).reply.content['status'], 'ok')
})

test('Stop ends a loop in a timer of a cell that has ended', async () => {
  const { id } = await client.run('setTimeout(() => { console.log("spinning"); for (;;) {} }, 20)')
  await client.until(message => message.parent.msg_id === id && message.content['text'] === 'spinning\n', 'the timer')
  assert.equal((await client.ask('control', 'interrupt_request')).content['status'], 'ok')
  const { iopub } = await client.run('kept + 1')
  assert.equal(iopub.find(message => message.header.msg_type === 'execute_result')?.content['data']['text/plain'], '42')
})

test('a prompt goes to the asking client only, its answer comes back', async () => {
  const other = kernel.connect()
  await other.until(message => message.header.msg_type === 'iopub_welcome')
  const id = client.execute('await prompt("your name?")', { allow_stdin: true })
  const question = await client.until(
    message => message.header.msg_type === 'input_request' && message.parent.msg_id === id,
  )
  assert.equal(question.content['prompt'], 'your name?')
  assert.equal(question.content['password'], false)
  client.send('stdin', 'input_reply', { value: 'stale', status: 'ok' }, { parent: { msg_id: 'an earlier question' } })
  client.send('stdin', 'input_reply', { value: 'Ada', status: 'ok' }, { parent: question.header })
  await client.idle(id)
  assert.match(
    JSON.stringify(client.of(id).find(message => message.header.msg_type === 'execute_result')?.content['data']),
    /Ada/,
  )
  assert.equal(
    other.received.some(message => message.channel === 'stdin'),
    false,
  )
})

test('what does not stop says so, and one more Stop replaces the cells process only', async () => {
  // A wait outside JavaScript that no signal reaches: the last rung of the ladder.
  const id = client.execute(
    'console.log("started"); import { spawnSync } from "node:child_process"; process.on("SIGINT", () => {}); for (;;) { try { for (;;) spawnSync("sleep", ["30"]) } catch {} }',
  )
  await client.until(message => message.parent.msg_id === id && message.content['text'] === 'started\n', 'the start')
  client.send('control', 'interrupt_request', {})
  const outcome = await client.until(
    message =>
      message.parent.msg_id === id &&
      (message.header.msg_type === 'execute_reply' || String(message.content['text']).startsWith('still running')),
  )
  if (outcome.header.msg_type !== 'execute_reply') {
    client.send('control', 'interrupt_request', {})
    const reply = await client.reply(id)
    assert.equal(reply.content['ename'], 'CellsReplaced')
    assert.match(reply.content['evalue'], /variables of the notebook are lost, streams and charts go on/)
  }
  await client.idle(id)
  assert.equal((await client.run('1 + 1')).reply.content['status'], 'ok')
})
