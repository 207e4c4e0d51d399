import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SendQueue } from './send-queue.ts'

/** Like zeromq.js: a second send while one is in flight throws. */
class OneInFlight {
  readonly sent: string[] = []
  #busy = false

  async send(frames: Buffer[]): Promise<void> {
    if (this.#busy) throw new Error('EBUSY')
    this.#busy = true
    await Promise.resolve()
    this.#busy = false
    this.sent.push(frames.map(String).join())
  }
}

test('sends go out one at a time in their order', async () => {
  const sink = new OneInFlight()
  const queue = new SendQueue(sink)
  for (const text of ['a', 'b', 'c']) queue.push([Buffer.from(text)])
  await queue.drain()
  assert.deepEqual(sink.sent, ['a', 'b', 'c'])
})

test('a held queue waits, and what releases it goes first', async () => {
  const sink = new OneInFlight()
  const queue = new SendQueue(sink, { held: true })
  queue.push([Buffer.from('starting')])
  assert.deepEqual(sink.sent, [])
  queue.release([Buffer.from('welcome')])
  await queue.drain()
  assert.deepEqual(sink.sent, ['welcome', 'starting'])
})

test('a peer that is gone costs its own message only', async () => {
  const sent: string[] = []
  const queue = new SendQueue({
    async send([frame]) {
      if (String(frame) === 'bad') throw new Error('host unreachable')
      sent.push(String(frame))
    },
  })
  for (const text of ['a', 'bad', 'b']) queue.push([Buffer.from(text)])
  await queue.drain()
  assert.deepEqual(sent, ['a', 'b'])
})
