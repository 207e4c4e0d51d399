/** Subshells (JEP 91): cells that answer while the notebook's own cell awaits. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { isStatus, startKernel } from './client.ts'
import type { Client, Message, StartedKernel } from './client.ts'

let kernel: StartedKernel
let client: Client

before(async () => {
  kernel = await startKernel()
  client = kernel.client
})
after(async () => await kernel.stop())

const create = async (): Promise<string> =>
  (await client.ask('control', 'create_subshell_request')).content['subshell_id'] as string
const remove = async (id: string): Promise<Message> =>
  await client.ask('control', 'delete_subshell_request', { subshell_id: id })
const list = async (): Promise<unknown> => (await client.ask('control', 'list_subshell_request')).content['subshell_id']

async function runIn(subshell: string, code: string): Promise<{ id: string; reply: Message; result: unknown }> {
  const id = client.execute(code, {}, {}, { subshell_id: subshell })
  const reply = await client.reply(id)
  await client.idle(id)
  const result = client.of(id).find(one => one.header.msg_type === 'execute_result')
  return { id, reply, result: result?.content['data']['text/plain'] }
}

/** Runs a cell of the notebook's own shell that awaits `release()`, does `meanwhile`, and lets it end. */
async function whileAwaiting(meanwhile: () => Promise<void>): Promise<void> {
  const id = client.execute(
    'let release = () => {}; console.log("awaiting"); await new Promise<void>(resolve => (release = resolve)); "ended"',
  )
  await client.until(one => one.parent.msg_id === id && one.content['text'] === 'awaiting\n', 'the cell to await')
  await meanwhile()
  const subshell = await create()
  await runIn(subshell, 'release()')
  assert.equal((await client.reply(id)).content['status'], 'ok')
  await client.idle(id)
  await remove(subshell)
}

test("a subshell is created, listed without the notebook's own shell, deleted", async () => {
  assert.deepEqual(await list(), [])
  const [first, second] = [await create(), await create()]
  assert.deepEqual(await list(), [first, second])
  assert.equal((await remove(first)).content['status'], 'ok')
  assert.deepEqual(await list(), [second])
  await remove(second)
})

test('an id that is not there is an error for every request, and for a deletion', async () => {
  const gone = await create()
  await remove(gone)
  assert.equal((await remove(gone)).content['ename'], 'SubshellUnknown')
  const { reply, id } = await runIn(gone, '1 + 1')
  assert.equal(reply.content['ename'], 'SubshellUnknown')
  assert.deepEqual(
    client.of(id).map(one => one.header.msg_type),
    ['status', 'status'],
  )
  const asked = client.send('shell', 'history_request', { hist_access_type: 'tail' }, { header: { subshell_id: gone } })
  assert.equal((await client.reply(asked)).content['status'], 'error')
})

test('a cell of a subshell runs while the notebook awaits, sees its variables, prints in its own output', async () => {
  await client.run('const shared = 20')
  const subshell = await create()
  await whileAwaiting(async () => {
    const { id, reply, result } = await runIn(subshell, 'console.log("beside"); shared + 1')
    assert.equal(reply.content['status'], 'ok')
    assert.equal(result, '21')
    assert.equal(client.text(id), 'beside\n')
    assert.equal((reply.parent as { subshell_id?: string }).subshell_id, subshell)
  })
  await remove(subshell)
})

test('each shell has a count and a history of its own', async () => {
  const subshell = await create()
  const before = (await client.run('"own"')).reply.content['execution_count'] as number
  assert.equal((await runIn(subshell, '"theirs"')).reply.content['execution_count'], 1)
  assert.equal((await runIn(subshell, '"theirs again"')).reply.content['execution_count'], 2)
  assert.equal((await client.run('"own again"')).reply.content['execution_count'], before + 1)
  const tail = { hist_access_type: 'tail', n: 2, output: true, raw: true }
  const theirs = client.send('shell', 'history_request', tail, { header: { subshell_id: subshell } })
  assert.deepEqual((await client.reply(theirs)).content['history'], [
    [1, 1, ['"theirs"', "'theirs'"]],
    [1, 2, ['"theirs again"', "'theirs again'"]],
  ])
  const own = (await client.ask('shell', 'history_request', tail)).content['history'] as unknown[][]
  assert.deepEqual(
    own.map(row => row[2]),
    [
      ['"own"', "'own'"],
      ['"own again"', "'own again'"],
    ],
  )
  await remove(subshell)
})

test('an error in a subshell aborts its own queue only', async () => {
  const subshell = await create()
  const ids = ['throw new Error("theirs")', '1'].map(code => client.execute(code, {}, {}, { subshell_id: subshell }))
  const own = client.execute('2')
  const names = await Promise.all([...ids, own].map(async id => (await client.reply(id)).content['ename'] as unknown))
  assert.deepEqual(names, ['Error', 'Aborted', undefined])
  await remove(subshell)
})

test('streams are paused, listed and stopped while a cell awaits', async () => {
  await client.run('%topic orders')
  await client.run('%%window orders --tumbling 10s --as beside')
  const subshell = await create()
  await whileAwaiting(async () => {
    for (const code of ['%pause beside', '%resume beside', '%stop beside'])
      assert.equal((await runIn(subshell, code)).reply.content['status'], 'ok')
    const { id } = await runIn(subshell, '%streams')
    const shown = client.of(id).find(one => one.header.msg_type === 'display_data')
    assert.match(shown?.content['data']['text/plain'] as string, /orders/)
    assert.doesNotMatch(shown?.content['data']['text/plain'] as string, /^beside .*running/m)
  })
  await remove(subshell)
})

test('a question of a subshell is answered beside one of the notebook', async () => {
  const subshell = await create()
  const own = client.execute('await prompt("own?")', { allow_stdin: true })
  const theirs = client.execute('await prompt("theirs?")', { allow_stdin: true }, {}, { subshell_id: subshell })
  const question = async (id: string) =>
    await client.until(one => one.header.msg_type === 'input_request' && one.parent.msg_id === id)
  const [first, second] = [await question(own), await question(theirs)]
  client.send('stdin', 'input_reply', { value: 'for the notebook', status: 'ok' }, { parent: first.header })
  client.send('stdin', 'input_reply', { value: 'for the subshell', status: 'ok' }, { parent: second.header })
  for (const id of [own, theirs]) await client.idle(id)
  const shown = [own, theirs].map(
    id => client.of(id).find(one => one.header.msg_type === 'execute_result')?.content['data']['text/plain'] as string,
  )
  assert.deepEqual(shown, ["'for the notebook'", "'for the subshell'"])
  await remove(subshell)
})

test('Stop ends what the notebook and its subshells run, the next cells run', async () => {
  const subshell = await create()
  const own = client.execute('console.log("own"); await new Promise(() => {})')
  await client.until(one => one.parent.msg_id === own && one.content['text'] === 'own\n')
  const theirs = client.execute('console.log("theirs"); for (;;) {}', {}, {}, { subshell_id: subshell })
  await client.until(one => one.parent.msg_id === theirs && one.content['text'] === 'theirs\n')
  client.send('control', 'interrupt_request', {})
  for (const id of [own, theirs]) {
    assert.equal((await client.reply(id)).content['status'], 'error')
    await client.idle(id)
  }
  assert.equal((await client.run('1 + 1')).reply.content['status'], 'ok')
  assert.equal((await runIn(subshell, '1 + 1')).result, '2')
  await remove(subshell)
})

test('Stop ends awaits of the notebook and of its subshells', async () => {
  const subshell = await create()
  const ids = [undefined, subshell].map(shell =>
    client.execute(
      'console.log("waits"); await new Promise(() => {})',
      {},
      {},
      shell === undefined ? {} : { subshell_id: shell },
    ),
  )
  for (const id of ids) await client.until(one => one.parent.msg_id === id && one.content['text'] === 'waits\n')
  client.send('control', 'interrupt_request', {})
  for (const id of ids) assert.equal((await client.reply(id)).content['ename'], 'Interrupted')
  await remove(subshell)
})

test('what a deleted subshell had not begun is answered', async () => {
  const subshell = await create()
  const running = client.execute('console.log("in"); await new Promise(() => {})', {}, {}, { subshell_id: subshell })
  const waiting = client.execute('1', {}, {}, { subshell_id: subshell })
  await client.until(one => one.parent.msg_id === running && one.content['text'] === 'in\n')
  await remove(subshell)
  assert.equal((await client.reply(waiting)).content['ename'], 'Aborted')
  client.send('control', 'interrupt_request', {})
  assert.equal((await client.reply(running)).content['status'], 'error')
  for (const id of [running, waiting]) {
    await client.idle(id)
    assert.equal(client.of(id).filter(one => isStatus(one, 'busy')).length, 1)
  }
})
