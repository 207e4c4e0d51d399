/** Charts for a front end that has no extension: outputs that are replaced. And what a page may ask back after a reload. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { startKernel } from './client.ts'
import type { Client, Message, StartedKernel } from './client.ts'

const LIVE = 'application/vnd.riffle.live.v1+json'
const VEGALITE = 'application/vnd.vegalite.v5+json'
let kernel: StartedKernel
let client: Client

before(async () => {
  kernel = await startKernel()
  client = kernel.client
})
after(async () => await kernel.stop())

const updateOf = (displayId: string, count: (text: string) => boolean) => (message: Message) =>
  message.header.msg_type === 'update_display_data' &&
  message.content['transient'].display_id === displayId &&
  count(message.content['data']['text/plain'])

test('a chart without an extension is updated as Vega-Lite 5 and text, and told to a page that lost it', async () => {
  const cell = client.execute(
    '%topic orders --from earliest;\n%%window orders --tumbling 10s --by region',
    {},
    { cellId: 'the-cell' },
  )
  await client.idle(cell)
  const shown = client.of(cell).find(message => LIVE in (message.content['data'] ?? {}))
  assert.equal(shown?.header.msg_type, 'display_data')
  const displayId = shown?.content['transient'].display_id as string
  assert.equal(typeof displayId, 'string')

  const first = await client.until(updateOf(displayId, text => /\d+ dropped/.test(text)))
  assert.equal(first.parent.msg_id, cell)
  const rows = first.content['data'][VEGALITE].data.values as unknown[]
  assert.ok(rows.length > 50, `${rows.length} rows drawn`)
  const text = first.content['data']['text/plain'] as string
  // How often is told by chart-displays.test.ts, whose time is its own.
  const known = new Set(client.received)
  const changed = updateOf(displayId, other => other !== text)
  await client.until(message => !known.has(message) && changed(message))

  const id = randomUUID()
  client.send('shell', 'comm_open', {
    comm_id: id,
    target_name: 'riffle.live.v1',
    data: { type: 'hello', protocol: 1, client: 'page' },
  })
  client.send('shell', 'comm_msg', { comm_id: id, data: { type: 'outputs' } })
  client.send('shell', 'comm_msg', { comm_id: id, data: { type: 'watch-streams', on: true } })
  client.send('shell', 'comm_msg', { comm_id: id, data: { type: 'topics' } })
  const answer = (type: string): Promise<Message> =>
    client.until(
      message =>
        message.header.msg_type === 'comm_msg' &&
        message.content['comm_id'] === id &&
        message.content['data'].type === type,
    )
  const outputs = (await answer('outputs')).content['data']
  assert.equal(outputs.client, 'page')
  assert.deepEqual(
    outputs.cells.map((one: { cellId: string; bundles: { [LIVE]: { chartId: string } }[] }) => [
      one.cellId,
      one.bundles.map(bundle => bundle[LIVE].chartId),
    ]),
    [['the-cell', [shown?.content['data'][LIVE].chartId]]],
  )
  const { streams } = (await answer('streams')).content['data']
  assert.deepEqual(
    streams.map((one: { name: string; cellId: string; state: string }) => [one.name, one.cellId, one.state]),
    [
      ['orders', 'the-cell', 'running'],
      ['ordersWindow', 'the-cell', 'running'],
    ],
  )
  const { topics } = (await answer('topics')).content['data']
  assert.equal(topics.find((one: { name: string }) => one.name === 'orders').partitionCount, 3)
})
