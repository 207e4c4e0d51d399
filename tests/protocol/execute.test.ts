/** Execution over raw sockets: order, parents, counts, results, errors. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { isStatus } from './client.ts'
import type { Message } from './client.ts'
import { kernelOfFile } from './kernel-of-file.ts'

const kernel = await kernelOfFile()
const { client } = kernel

const types = (messages: readonly Message[]) => messages.map(message => message.header.msg_type)

test('kernel_info declares TypeScript and only what works', async () => {
  const { content, header } = await client.ask('shell', 'kernel_info_request')
  assert.equal(content['status'], 'ok')
  assert.equal(content['protocol_version'], '5.5')
  assert.equal(content['language_info'].name, 'typescript')
  assert.equal(content['language_info'].file_extension, '.ts')
  assert.equal(content['language_info'].mimetype, 'text/typescript')
  assert.equal(content['language_info'].pygments_lexer, 'typescript')
  assert.deepEqual(content['supported_features'], ['kernel subshells'])
  assert.match(header.date, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  assert.notEqual(header.session, client.session)
})

test('the first message of a subscriber is the welcome, then starting without a parent', async () => {
  await client.until(message => isStatus(message, 'starting'))
  const published = client.received.filter(message => message.channel === 'iopub')
  assert.equal(published[0]?.header.msg_type, 'iopub_welcome')
  assert.deepEqual(published[0]?.parent, {})
  assert.equal(client.received.filter(message => isStatus(message, 'starting')).length, 1)
})

test('a cell gives busy, its input, its output, its result, idle, all with its parent', async () => {
  const { reply, iopub } = await client.run('console.log("hello"); 6 * 7')
  assert.deepEqual(types(iopub), ['status', 'execute_input', 'stream', 'execute_result', 'status'])
  assert.equal(iopub[0]?.content['execution_state'], 'busy')
  assert.deepEqual(iopub[2]?.content, { name: 'stdout', text: 'hello\n' })
  assert.equal(iopub[3]?.content['data']['text/plain'], '42')
  assert.equal(iopub[3]?.content['execution_count'], reply.content['execution_count'])
  assert.equal(iopub[4]?.content['execution_state'], 'idle')
  assert.equal(reply.content['status'], 'ok')
  assert.deepEqual(reply.content['payload'], [])
})

test('a bigint is a result like any other', async () => {
  const { iopub } = await client.run('2n ** 64n')
  assert.equal(
    iopub.find(message => message.header.msg_type === 'execute_result')?.content['data']['text/plain'],
    '18446744073709551616n',
  )
})

test('the reply is sent before idle', async () => {
  const id = client.execute('1')
  await client.idle(id)
  const reply = await client.reply(id)
  assert.equal(reply.content['status'], 'ok')
})

test('an error is one output and the same fields in the reply', async () => {
  const { reply, iopub } = await client.run('const broken = 1\nthrow new RangeError("too far")')
  const errors = iopub.filter(message => message.header.msg_type === 'error')
  assert.equal(errors.length, 1)
  assert.equal(errors[0]?.content['ename'], 'RangeError')
  assert.equal(errors[0]?.content['evalue'], 'too far')
  assert.ok(errors[0]!.content['traceback'].length > 0)
  assert.equal(reply.content['status'], 'error')
  assert.equal(reply.content['ename'], 'RangeError')
  assert.equal(reply.content['evalue'], 'too far')
  assert.deepEqual(reply.content['traceback'], errors[0]?.content['traceback'])
})

test('counts rise with stored cells only', async () => {
  const first = (await client.run('1')).reply.content['execution_count'] as number
  const hidden = (await client.run('1', { store_history: false })).reply.content['execution_count']
  const silent = (await client.run('1', { silent: true })).reply.content['execution_count']
  const next = (await client.run('1')).reply.content['execution_count']
  assert.deepEqual([hidden, silent, next], [first, first, first + 1])
})

test('a silent cell shows no input and no result', async () => {
  const { iopub, reply } = await client.run('40 + 2', { silent: true })
  assert.deepEqual(types(iopub), ['status', 'status'])
  assert.equal(reply.content['status'], 'ok')
})

test('user expressions are answered one by one, a failing one with its error', async () => {
  const { reply } = await client.run('const seven = 7', { user_expressions: { good: 'seven * 2', bad: 'nowhere.x' } })
  const { good, bad } = reply.content['user_expressions']
  assert.equal(good.status, 'ok')
  assert.equal(good.data['text/plain'], '14')
  assert.equal(bad.status, 'error')
  assert.equal(bad.ename, 'ReferenceError')
})

test('after an error the queued cells are not run, and each says so', async () => {
  const ids = [
    client.execute('throw new Error("stop here")'),
    client.execute('globalThis.ran = true'),
    client.execute('2'),
  ]
  const replies = await Promise.all(ids.map(async id => await client.reply(id)))
  await Promise.all(ids.map(async id => await client.idle(id)))
  assert.deepEqual(
    replies.map(reply => [reply.content['status'], reply.content['ename']]),
    [
      ['error', 'Error'],
      ['error', 'Aborted'],
      ['error', 'Aborted'],
    ],
  )
  for (const id of ids)
    assert.deepEqual(
      client
        .of(id)
        .filter(message => message.header.msg_type === 'status')
        .map(message => message.content['execution_state']),
      ['busy', 'idle'],
    )
  const after = await client.run('"ran" in globalThis')
  assert.equal(
    after.iopub.find(message => message.header.msg_type === 'execute_result')?.content['data']['text/plain'],
    'false',
  )
})

test('with stop_on_error false the queue goes on', async () => {
  const ids = [client.execute('throw new Error("go on")', { stop_on_error: false }), client.execute('1 + 1')]
  const replies = await Promise.all(ids.map(async id => await client.reply(id)))
  assert.deepEqual(
    replies.map(reply => reply.content['status']),
    ['error', 'ok'],
  )
})

test('3,000 printed lines arrive whole, in order, before idle', async () => {
  const { id, iopub } = await client.run('for (let line = 0; line < 3000; line++) console.log(`line ${line}`)')
  assert.equal(client.text(id), Array.from({ length: 3000 }, (_, line) => `line ${line}\n`).join(''))
  assert.equal(iopub.at(-1)?.content['execution_state'], 'idle')
  assert.ok(iopub.length < 200, 'lines are merged')
})

test('writes to file descriptors and output of child processes belong to the cell', async () => {
  const { id } = await client.run(
    `import { writeSync } from 'node:fs'\nimport { execSync } from 'node:child_process'\nwriteSync(1, 'raw one\\n')\nexecSync('echo from a child; echo an error >&2', { stdio: 'inherit' })`,
  )
  assert.match(client.text(id), /raw one\n[\s\S]*from a child\n/)
  assert.match(client.text(id, 'stderr'), /an error\n/)
})

test('late output belongs to the cell that started it', async () => {
  const { id } = await client.run('setTimeout(() => console.log("late"), 50)')
  const second = await client.run('"second"')
  const late = await client.until(
    message => message.header.msg_type === 'stream' && message.content['text'] === 'late\n',
  )
  assert.equal(late.parent.msg_id, id)
  assert.equal(client.text(second.id), '')
})

test('a display is updated under its id, the newest update wins', async () => {
  const { iopub } = await client.run(
    'const shown = display("first"); for (let at = 0; at < 50; at++) await shown.update(`update ${at}`)',
  )
  const [display, ...updates] = iopub.filter(message => message.header.msg_type.endsWith('display_data'))
  assert.equal(display?.header.msg_type, 'display_data')
  const id = display!.content['transient'].display_id
  assert.equal(typeof id, 'string')
  assert.ok(
    updates.every(
      update => update.header.msg_type === 'update_display_data' && update.content['transient'].display_id === id,
    ),
  )
  assert.match(JSON.stringify(updates.at(-1)?.content['data']), /update 49/)
})

test('a forged signature is ignored, silently for the forger', async () => {
  const forged = randomUUID()
  client.sendFrames(
    'shell',
    client.frames(forged, 'execute_request', { code: 'globalThis.forged = true' }, { key: 'guess' }),
  )
  const { iopub } = await client.run('"forged" in globalThis')
  assert.equal(
    iopub.find(message => message.header.msg_type === 'execute_result')?.content['data']['text/plain'],
    'false',
  )
  assert.equal(
    client.received.some(message => message.parent.msg_id === forged),
    false,
  )
})

test('a replayed message is ignored', async () => {
  const id = randomUUID()
  const frames = client.frames(id, 'execute_request', {
    code: 'globalThis.times = ((globalThis as any).times ?? 0) + 1',
    silent: false,
    store_history: true,
  })
  client.sendFrames('shell', frames)
  await client.idle(id)
  client.sendFrames('shell', frames)
  const { iopub } = await client.run('(globalThis as any).times')
  assert.equal(iopub.find(message => message.header.msg_type === 'execute_result')?.content['data']['text/plain'], '1')
  assert.equal(client.of(id).filter(message => isStatus(message, 'busy')).length, 1)
})

test('frames that are no message do no harm', async () => {
  client.sendFrames('shell', [Buffer.from('nonsense')])
  client.sendFrames('control', [Buffer.from('<IDS|MSG>'), Buffer.from('00')])
  assert.equal((await client.run('1')).reply.content['status'], 'ok')
})

test('the heartbeat echoes, also while a cell loops', async () => {
  assert.equal(await client.heartbeat('ping'), 'ping')
  const id = client.execute('console.log("looping"); const until = Date.now() + 400; while (Date.now() < until) {}')
  await client.until(message => message.parent.msg_id === id && message.header.msg_type === 'execute_input')
  assert.equal(await client.heartbeat('busy'), 'busy')
  assert.equal((await client.ask('control', 'kernel_info_request')).content['status'], 'ok')
  assert.equal(
    client.received.some(message => message.parent.msg_id === id && message.header.msg_type === 'execute_reply'),
    false,
  )
  await client.idle(id)
})

test('every request gets one busy and one idle, on control too, unknown ones included', async () => {
  const ids = [
    client.send('control', 'kernel_info_request', {}),
    client.send('control', 'debug_request', {}),
    client.send('shell', 'unheard_request', {}),
    client.send('control', 'list_subshell_request', {}),
    client.send('control', 'interrupt_request', {}),
    client.send('shell', 'comm_info_request', {}),
  ]
  for (const id of ids) {
    await client.idle(id)
    assert.deepEqual(
      client.of(id).map(message => message.content['execution_state']),
      ['busy', 'idle'],
    )
  }
  assert.equal((await client.reply(ids[1]!)).content['status'], 'error')
})

test('two clients: the reply goes to the asker, outputs to both', async () => {
  const other = kernel.connect()
  await other.until(message => message.header.msg_type === 'iopub_welcome')
  const { id } = await client.run('"for both"')
  await other.idle(id)
  assert.ok(other.of(id).some(message => message.header.msg_type === 'execute_result'))
  assert.equal(
    other.received.some(message => message.channel === 'shell'),
    false,
  )
})

test('history answers tail, range and search', async () => {
  const codes = ['const remembered = 1', 'remembered + 1', 'remembered + 1']
  for (const code of codes) await client.run(code)
  const tail = (
    await client.ask('shell', 'history_request', { hist_access_type: 'tail', n: 3, output: false, raw: true })
  ).content['history']
  assert.deepEqual(
    tail.map((row: unknown[]) => row[2]),
    codes,
  )
  const [session, line] = tail[0] as [number, number]
  const range = (
    await client.ask('shell', 'history_request', {
      hist_access_type: 'range',
      session,
      start: line,
      stop: line + 2,
      output: true,
      raw: true,
    })
  ).content['history']
  assert.deepEqual(range, [
    [session, line, [codes[0], null]],
    [session, line + 1, [codes[1], '2']],
  ])
  const search = { hist_access_type: 'search', pattern: 'remembered*', output: false, raw: true, n: 5 }
  assert.equal((await client.ask('shell', 'history_request', search)).content['history'].length, 2)
  assert.equal((await client.ask('shell', 'history_request', { ...search, unique: true })).content['history'].length, 1)
})
