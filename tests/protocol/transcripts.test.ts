/** Every message type of the specification as a conversation: request, what came on iopub in order, reply. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStatus } from './client.ts'
import { kernelOfFile } from './kernel-of-file.ts'
import { specifiedTypes } from './message-schema.ts'
import { Transcript, typesIn } from './transcript.ts'

const kernel = await kernelOfFile()
const { client } = kernel

type Play = (transcript: Transcript) => Promise<void>
const STARTED = 'console.log("started"); '
const COMM = '00000000-0000-4000-8000-000000000001'

const started = async (id: string): Promise<void> =>
  void (await client.until(one => one.parent.msg_id === id && one.content['text'] === 'started\n', 'the start'))
const stop = async (id: string): Promise<void> => {
  await started(id)
  await client.reply(client.send('control', 'interrupt_request', {}))
}
const answer = (value: string) => async (id: string) => {
  const question = await client.until(one => one.header.msg_type === 'input_request' && one.parent.msg_id === id)
  client.send('stdin', 'input_reply', { value, status: 'ok' }, { parent: question.header })
}

/** In this order, in one kernel: counts and history of one are seen by the next. */
const scenarios: Readonly<Record<string, Play>> = {
  'kernel-info': async t => {
    await t.ask('shell', 'kernel_info_request', {})
    await t.ask('control', 'kernel_info_request', {})
  },
  execute: async t => {
    await t.execute('console.log("out"); console.error("err"); 6 * 7')
    await t.execute('const quiet = 1')
    await t.execute('quiet + 1;')
    await t.execute('')
  },
  'execute-silent': async t => {
    await t.execute('"silent"', { silent: true })
    await t.execute('"not stored"', { store_history: false })
    await t.execute('"stored"')
  },
  'execute-user-expressions': async t => {
    await t.execute('const seven = 7', { user_expressions: { good: 'seven * 2', bad: 'nowhere.x' } })
  },
  'execute-error': async t => {
    await t.execute('function fail(): never {\n  throw new RangeError("too far")\n}\nfail()')
    await t.execute('const size: number = "large"')
    await t.execute('%nonesuch')
    await t.execute('let = 2 +')
  },
  'execute-aborted': async t => {
    // Asked at once: the second is answered without having run.
    const second: { id?: string } = {}
    await t.execute(
      'throw new Error("first")',
      {},
      {
        meanwhile: async () => {
          second.id = client.execute('"second"')
          await Promise.resolve()
        },
      },
    )
    await client.idle(second.id ?? '')
    for (const one of client.of(second.id ?? '')) t.message(one)
    t.message(await client.reply(second.id ?? ''))
  },
  display: async t => {
    await t.execute('const shown = display("first")')
    await t.execute('shown.update("second");')
    await t.execute('display.html("<b>bold</b>"); display.markdown("*text*"); display.json({ a: [1] });')
    await t.execute('display.png(new Uint8Array([137, 80, 78, 71])); display.svg("<svg/>");')
    await t.execute('display.vega({ mark: "point", data: { values: [] } })')
    await t.execute('display.clear({ wait: true }); console.log("after")')
  },
  results: async t => {
    await t.execute('[{ city: "Oslo", n: 1 }, { city: "Rome", n: 2n }]')
    await t.execute('new Map([["a", 1]])')
    await t.execute('class Point { constructor(readonly x = 1) {} }\nnew Point()')
    await t.execute('const circle: { self?: unknown } = {}\ncircle.self = circle\ncircle')
    await t.execute('new Proxy({ hidden: 1 }, {})')
    await t.execute('({ toString() { throw new Error("no text") } })')
    await t.execute('({ "text/html": "<i>own</i>", "text/plain": "own" })')
    await t.execute('({ [Symbol.for("Jupyter.display")]: () => ({ "text/plain": "its own" }) })')
    await t.execute('Promise.resolve(1)')
    await t.execute('setTimeout(() => {}, 0).hasRef()')
  },
  stdin: async t => {
    await t.execute('await prompt("name?")', { allow_stdin: true }, { meanwhile: answer('Ada') })
    await t.execute(
      'await prompt("secret?", { password: true }) === "x"',
      { allow_stdin: true },
      { meanwhile: answer('x') },
    )
    await t.execute('await confirm("sure?")', { allow_stdin: true }, { meanwhile: answer('y') })
    await t.execute('await prompt("refused")')
    for (const one of client.received.filter(one => one.channel === 'stdin')) t.message(one)
  },
  complete: async t => {
    await t.ask('shell', 'complete_request', { code: "'abc'.toUpperC", cursor_pos: 14 })
    await t.ask('shell', 'complete_request', { code: 'const wave = "👋"; wave.toUpperC', cursor_pos: 31 })
    await t.ask('shell', 'complete_request', { code: '%%wind', cursor_pos: 6 })
    await t.ask('shell', 'complete_request', { code: 'nobody.here', cursor_pos: 11 })
  },
  inspect: async t => {
    await t.execute('/** Half of it. */\nconst half = (n: number) => n / 2')
    await t.ask('shell', 'inspect_request', { code: 'half', cursor_pos: 4, detail_level: 0 })
    await t.ask('shell', 'inspect_request', { code: 'half', cursor_pos: 4, detail_level: 1 })
    await t.ask('shell', 'inspect_request', { code: 'nobodyDeclaredThis', cursor_pos: 5, detail_level: 0 })
  },
  'is-complete': async t => {
    for (const code of ['1 + 1', 'function f() {', 'const = 7', '%%window orders'])
      await t.ask('shell', 'is_complete_request', { code })
  },
  history: async t => {
    const plain = { output: false, raw: true }
    await t.execute('"remembered"')
    await t.execute('"remembered"')
    await t.ask('shell', 'history_request', { ...plain, hist_access_type: 'tail', n: 2 })
    await t.ask('shell', 'history_request', { ...plain, output: true, hist_access_type: 'tail', n: 1 })
    await t.ask('shell', 'history_request', { ...plain, hist_access_type: 'range', session: 0, start: 1, stop: 3 })
    await t.ask('shell', 'history_request', {
      ...plain,
      hist_access_type: 'search',
      pattern: '*remem*',
      n: 3,
      unique: true,
    })
  },
  page: async t => {
    await t.execute('%who?')
  },
  comms: async t => {
    await t.execute(
      "comms.register('echo', (comm, data) => {\n  comm.send({ opened: data })\n  comm.on('message', (data, buffers) => {\n    comm.send({ echoed: data }, buffers)\n    comm.close({ done: true })\n  })\n})",
    )
    const came = (type: string) => async (id: string) =>
      void (await client.until(one => one.header.msg_type === type && one.parent.msg_id === id))
    await t.ask(
      'shell',
      'comm_open',
      { comm_id: COMM, target_name: 'echo', data: { a: 1 } },
      { replied: false, meanwhile: came('comm_msg') },
    )
    await t.ask('shell', 'comm_info_request', { target_name: 'echo' })
    await t.ask(
      'shell',
      'comm_msg',
      { comm_id: COMM, data: { b: 2 } },
      { replied: false, meanwhile: came('comm_close') },
    )
    await t.ask('shell', 'comm_info_request', {})
    await t.execute('comms.open("from-kernel", { here: true }).close()')
  },
  interrupt: async t => {
    await t.ask('control', 'interrupt_request', {})
    await t.execute(`${STARTED}await new Promise(() => {})`, {}, { meanwhile: stop })
    await t.execute(`${STARTED}for (;;) {}`, {}, { meanwhile: stop })
  },
  subshells: async t => {
    const created = await t.ask('control', 'create_subshell_request', {})
    const header = { subshell_id: created?.content['subshell_id'] as string }
    await t.ask('control', 'list_subshell_request', {})
    await t.execute('"in the subshell"', {}, { header })
    await t.ask('control', 'delete_subshell_request', header)
    await t.ask('control', 'delete_subshell_request', header)
    await t.execute('"gone"', {}, { header })
  },
  unsupported: async t => {
    await t.ask('control', 'debug_request', { type: 'request', seq: 1, command: 'initialize' })
    await t.ask('shell', 'unheard_request', {})
  },
  shutdown: async t => {
    await t.ask('control', 'shutdown_request', { restart: true })
    t.note(`exit ${await kernel.exited}`)
  },
}

for (const [name, play] of Object.entries(scenarios)) {
  test(`the conversation ${name}`, async () => {
    const transcript = new Transcript(kernel)
    await play(transcript)
    transcript.check(name)
  })
}

test('the first messages are the welcome and starting', () => {
  const first = client.received.filter(one => one.channel === 'iopub').slice(0, 2)
  assert.equal(first[0]?.header.msg_type, 'iopub_welcome')
  assert.ok(isStatus(first[1]!, 'starting'))
})

test('every message type of the specification stands in a conversation', () => {
  const seen = typesIn(Object.keys(scenarios))
  assert.deepEqual(
    // The welcome belongs to no request; the test above has it.
    specifiedTypes.filter(type => type !== 'iopub_welcome' && !seen.has(type)),
    [],
  )
})
