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
