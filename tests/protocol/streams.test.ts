/** Cells that make, read and change streams, as a client sees them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kernelOfFile } from './kernel-of-file.ts'

const kernel = await kernelOfFile()
const { client } = kernel

const shown = async (code: string): Promise<unknown> => {
  const { reply, iopub } = await client.run(code)
  assert.equal(reply.content['status'], 'ok', String(reply.content['evalue']))
  return iopub.find(one => one.header.msg_type === 'execute_result')?.content['data']['text/plain']
}

test('making, filling and deleting a topic is told in one line each', async () => {
  assert.equal(await shown('%topics create told --partitions 2'), 'topic told made, 2 partitions')
  assert.equal(await shown('%%produce told --partition 1\n{ "id": 1 }\n{ "id": 2 }'), '2 records to told: 1@0, 1@1')
  assert.equal(await shown('(await riffle.produce("told", [{ id: 3 }], { partition: 0 })).positions[0].offset'), '0n')
  assert.equal(await shown('%topics delete told'), 'topic told deleted')
})

test('a cell that reads the stream it declares is refused by one readable error, types or not', async () => {
  await client.run('%topic orders')
  for (const mode of ['on', 'off']) {
    await client.run(`%types ${mode}`)
    const { reply, iopub } = await client.run('const orders = orders.filter(o => o.amount > 10)')
    assert.equal(iopub.filter(one => one.header.msg_type === 'error').length, 1)
    assert.equal(reply.content['ename'], 'StreamError')
    assert.match(reply.content['evalue'], /Cannot declare stream "orders": the cell reads the name it declares/)
    assert.match(reply.content['traceback'].join('\n'), /const orders2 = orders/)
  }
  await client.run('%types on')
})

test('a field of a header that the stream has not is one UsageError with caret and the nearest name', async () => {
  const { reply } = await client.run('%%window orders --tumbling 10s --by regio')
  assert.equal(reply.content['ename'], 'UsageError')
  assert.match(reply.content['evalue'], /^orders has no field regio, did you mean region; its fields are /)
  assert.deepEqual(reply.content['traceback'].slice(1, 4), [
    '  %%window orders --tumbling 10s --by regio',
    '                                      ^^^^^',
    'Try: --by region',
  ])
})

const printed = async (code: string, cellId: string): Promise<string> => {
  const { id, reply } = await client.run(code, {}, { cellId })
  assert.equal(reply.content['status'], 'ok', String(reply.content['evalue']))
  return client.text(id)
}
const listed = async (): Promise<string> => {
  const { iopub } = await client.run('%streams')
  return iopub.find(one => one.header.msg_type === 'display_data')?.content['data']['text/plain'] as string
}

test('a cell run again under another name stops the stream it made before, and says who reads it', async () => {
  await client.run('%topic orders')
  assert.equal(await printed('const large = orders.filter(o => o.amount > 10);', 'renamed'), '')
  assert.equal(await printed('const largest = large.filter(o => o.amount > 90);', 'reader'), '')
  assert.equal(await printed('const large = orders.filter(o => o.amount > 20);', 'renamed'), '')
  assert.equal(
    await printed('const big = orders.filter(o => o.amount > 20);', 'renamed'),
    'stream "large" is stopped: this cell makes it no longer; "largest" still computes from it\n',
  )
  const names = (await listed()).split('\n').map(line => line.split(' ')[0])
  assert.equal(names.includes('large'), false)
  assert.equal(names.includes('big') && names.includes('largest'), true)
  assert.equal(await printed('1 + 1', 'renamed'), 'stream "big" is stopped: this cell makes it no longer\n')
  assert.equal(await printed('2 + 2', 'renamed'), '')
})

test('a stream that another cell has taken over is not stopped by the cell that made it first', async () => {
  await printed('const shared = orders.filter(o => o.amount > 1);', 'first')
  await printed('const shared = orders.filter(o => o.amount > 2);', 'second')
  assert.equal(await printed('3 + 3', 'first'), '')
  assert.match(await listed(), /^shared /m)
})

test('%streams says which captured variable is another one now', async () => {
  await client.run('let threshold = 100')
  await printed('const above = orders.filter(o => o.amount > threshold);', 'above')
  const line = async () => (await listed()).split('\n').find(one => one.startsWith('above '))
  assert.match((await line()) ?? '', /uses threshold = 100$/)
  await client.run('threshold = 200')
  assert.match((await line()) ?? '', /uses threshold = 100, now 200: run the cell again$/)
  await printed('const above = orders.filter(o => o.amount > threshold);', 'above')
  assert.match((await line()) ?? '', /uses threshold = 200$/)
})

test('a captured local is not taken for a variable of the notebook that is called the same', async () => {
  await client.run('let least = 1')
  await client.run('const over = (least: number) => orders.filter(o => o.amount > least)')
  await client.run('const local = over(5);')
  // This one does read the variable, so the listing knows what it is now.
  await client.run('const reading = orders.filter(o => o.amount > least);')
  assert.match((await listed()).split('\n').find(one => one.startsWith('local ')) ?? '', /uses least = 5$/)
})
