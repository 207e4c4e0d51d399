/**
 * The 27 checks of the public suite kernel-testbed, by its names, as conversations of ours. Its own TypeScript snippets are written
 * for another kernel, and it never looks at matches, order or a running cell: here each check also says what must come.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Loose, Message } from './client.ts'
import { kernelOfFile } from './kernel-of-file.ts'
import { Transcript } from './transcript.ts'

const kernel = await kernelOfFile()
const { client } = kernel
const COMM = '00000000-0000-4000-8000-000000000002'

/** Messages of the newest request. */
const newest = (): Message[] => {
  const last = client.received.findLast(one => one.channel === 'shell' || one.channel === 'control')
  return client.of(last?.parent.msg_id ?? '')
}
const types = (): string[] => newest().map(one => one.header.msg_type)
const contentOf = (type: string): Record<string, Loose> | undefined =>
  newest().find(one => one.header.msg_type === type)?.content
const heard = (type: string) => async (id: string) =>
  void (await client.until(one => one.header.msg_type === type && one.parent.msg_id === id))

const checks: Readonly<Record<string, (t: Transcript) => Promise<void>>> = {
  heartbeat_responds: async t => {
    t.note(`> hb ping\n  hb ${await client.heartbeat('ping')}`)
    assert.equal(await client.heartbeat('\u0000\u0001'), '\u0000\u0001')
  },
  iopub_welcome: async t => {
    // The first client's own subscription has to be there: whoever subscribes first ends the waiting of what is published.
    await client.until(one => one.header.msg_type === 'iopub_welcome')
    const late = kernel.connect()
    const welcome = await late.until(one => one.header.msg_type === 'iopub_welcome')
    t.message(welcome)
    assert.equal(
      late.received.findIndex(one => one.channel === 'iopub' && one !== welcome) > 0 || late.received[0] === welcome,
      true,
    )
  },
  kernel_info_reply_valid: async t => {
    const reply = await t.ask('shell', 'kernel_info_request', {})
    assert.equal(reply?.content['status'], 'ok')
    assert.equal(reply?.content['implementation'], 'riffle')
  },
  kernel_info_has_language_info: async t => {
    const reply = await t.ask('shell', 'kernel_info_request', {})
    const { name, file_extension: extension, mimetype } = reply?.content['language_info'] ?? {}
    assert.deepEqual([name, extension, mimetype], ['typescript', '.ts', 'text/typescript'])
  },
  kernel_info_has_protocol_version: async t => {
    const reply = await t.ask('control', 'kernel_info_request', {})
    assert.equal(reply?.content['protocol_version'], '5.5')
  },
  execute_stdout: async t => {
    await t.execute('console.log("hello")')
    assert.deepEqual(contentOf('stream'), { name: 'stdout', text: 'hello\n' })
  },
  execute_stderr: async t => {
    await t.execute('console.error("error output")')
    assert.deepEqual(contentOf('stream'), { name: 'stderr', text: 'error output\n' })
  },
  execute_reply_ok: async t => {
    const reply = await t.execute('const x = 1')
    assert.equal(reply?.content['status'], 'ok')
    assert.deepEqual(reply.content['user_expressions'], {})
  },
  status_busy_idle_lifecycle: async t => {
    await t.execute('1 + 1')
    const states = newest()
      .filter(one => one.header.msg_type === 'status')
      .map(one => one.content['execution_state'] as unknown)
    assert.deepEqual(states, ['busy', 'idle'])
    assert.equal(types()[0], 'status')
    assert.equal(types().at(-1), 'status')
  },
  execute_input_broadcast: async t => {
    await t.execute('const x = 42')
    assert.equal(contentOf('execute_input')?.['code'], 'const x = 42')
    assert.equal(types()[1], 'execute_input')
  },
  complete_request: async t => {
    const reply = await t.ask('shell', 'complete_request', { code: 'console.lo', cursor_pos: 10 })
    assert.deepEqual(reply?.content['matches'], ['log'])
    assert.deepEqual([reply.content['cursor_start'], reply.content['cursor_end']], [8, 10])
  },
  inspect_request: async t => {
    const reply = await t.ask('shell', 'inspect_request', { code: 'parseInt', cursor_pos: 4, detail_level: 0 })
    assert.equal(reply?.content['found'], true)
    assert.match(
      reply.content['data']['text/plain'] as string,
      /function parseInt\(string: string, radix\?: number\): number/,
    )
  },
  is_complete_complete: async t => {
    assert.equal((await t.ask('shell', 'is_complete_request', { code: 'const x = 1' }))?.content['status'], 'complete')
  },
  is_complete_incomplete: async t => {
    const reply = await t.ask('shell', 'is_complete_request', { code: 'function foo() {' })
    assert.deepEqual(reply?.content, { status: 'incomplete', indent: '  ' })
  },
  history_request: async t => {
    await t.execute('"for the history"')
    const tail = { hist_access_type: 'tail', n: 1, output: false, raw: true }
    const reply = await t.ask('shell', 'history_request', tail)
    assert.equal(reply?.content['history'][0][2], '"for the history"')
  },
  comm_info_request: async t => {
    assert.deepEqual((await t.ask('shell', 'comm_info_request', {}))?.content, { status: 'ok', comms: {} })
  },
  error_handling: async t => {
    const reply = await t.execute('throw new Error("test error")')
    assert.equal(reply?.content['status'], 'error')
    assert.deepEqual(types(), ['status', 'execute_input', 'error', 'status'])
    assert.deepEqual([contentOf('error')?.['ename'], contentOf('error')?.['evalue']], ['Error', 'test error'])
    assert.deepEqual(contentOf('error')?.['traceback'], reply.content['traceback'])
  },
  display_data: async t => {
    await t.execute('const shown = display.html("<b>bold</b>")')
    assert.equal(contentOf('display_data')?.['data']['text/html'], '<b>bold</b>')
  },
  update_display_data: async t => {
    const id = client.received.findLast(one => one.header.msg_type === 'display_data')?.content['transient']
      .display_id as string
    await t.execute('shown.update({ "text/html": "<i>newer</i>", "text/plain": "newer" });')
    const { data, transient } = contentOf('update_display_data') ?? {}
    assert.deepEqual([data['text/html'], transient.display_id], ['<i>newer</i>', id])
  },
  execute_result: async t => {
    const reply = await t.execute('6 * 7')
    assert.equal(contentOf('execute_result')?.['data']['text/plain'], '42')
    assert.equal(contentOf('execute_result')?.['execution_count'], reply?.content['execution_count'])
  },
  rich_execute_result: async t => {
    await t.execute('({ "text/html": "<b>rich</b>", "text/plain": "rich" })')
    assert.deepEqual(contentOf('execute_result')?.['data'], { 'text/html': '<b>rich</b>', 'text/plain': 'rich' })
  },
  stdin_input_request: async t => {
    await t.execute(
      'await prompt("Enter name:")',
      { allow_stdin: true },
      {
        meanwhile: async id => {
          const question = await client.until(
            one => one.header.msg_type === 'input_request' && one.parent.msg_id === id,
          )
          t.message(question)
          client.send('stdin', 'input_reply', { value: 'test_value', status: 'ok' }, { parent: question.header })
        },
      },
    )
    assert.equal(contentOf('execute_result')?.['data']['text/plain'], "'test_value'")
  },
  comms_lifecycle: async t => {
    await t.execute("comms.register('test_target', comm => { comm.on('message', () => comm.send({ heard: true })) })")
    const open = { comm_id: COMM, target_name: 'test_target', data: {} }
    await t.ask('shell', 'comm_open', open, { replied: false })
    const info = await t.ask('shell', 'comm_info_request', { target_name: 'test_target' })
    assert.deepEqual(info?.content['comms'], { [COMM]: { target_name: 'test_target' } })
    await t.ask(
      'shell',
      'comm_msg',
      { comm_id: COMM, data: { key: 'value' } },
      { replied: false, meanwhile: heard('comm_msg') },
    )
    await t.ask('shell', 'comm_close', { comm_id: COMM, data: {} }, { replied: false })
    assert.deepEqual((await t.ask('shell', 'comm_info_request', {}))?.content['comms'], {})
  },
  interrupt_request: async t => {
    assert.deepEqual((await t.ask('control', 'interrupt_request', {}))?.content, { status: 'ok' })
    const reply = await t.execute(
      'console.log("looping"); while (true) {}',
      {},
      {
        meanwhile: async id => {
          await client.until(one => one.parent.msg_id === id && one.content['text'] === 'looping\n')
          client.send('control', 'interrupt_request', {})
        },
      },
    )
    assert.equal(reply?.content['ename'], 'Interrupted')
  },
  execution_count_increments: async t => {
    const counts: number[] = []
    for (const code of ['1', '2', '3']) counts.push((await t.execute(code))?.content['execution_count'] as number)
    assert.deepEqual(
      counts.map(count => count - (counts[0] ?? 0)),
      [0, 1, 2],
    )
  },
  parent_header_correlation: async t => {
    const reply = await t.execute('console.log("a"); "b"')
    const header = reply?.parent
    assert.ok(header?.msg_id)
    assert.equal(types().length, 5)
    for (const one of newest()) assert.deepEqual(one.parent, header)
  },
  shutdown_reply: async t => {
    assert.deepEqual((await t.ask('control', 'shutdown_request', { restart: false }))?.content, {
      status: 'ok',
      restart: false,
    })
    t.note(`exit ${await kernel.exited}`)
  },
}

for (const [name, check] of Object.entries(checks)) {
  test(name, async () => {
    const transcript = new Transcript(kernel)
    await check(transcript)
    transcript.check(`testbed/${name}`)
  })
}

test('all of its 27 checks are here', () => assert.equal(Object.keys(checks).length, 27))
