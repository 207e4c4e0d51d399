import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createChannel } from './channel.ts'
import { encodeFrame, FrameReader } from './frames.ts'
import type { FromCells } from './protocol.ts'

function recorded(): { sent: FromCells[]; channel: ReturnType<typeof createChannel> } {
  const sent: FromCells[] = []
  return { sent, channel: createChannel(message => sent.push(message)) }
}

const textOf = (message: FromCells | undefined): string => (message?.type === 'stream' ? message.text : '')

test('a single line goes out at once', () => {
  const { sent, channel } = recorded()
  channel.print('r1', 'stdout', 'one\n')
  assert.deepEqual(sent, [{ type: 'stream', parentId: 'r1', name: 'stdout', text: 'one\n' }])
})

test('a flood is merged, complete and in order', () => {
  const { sent, channel } = recorded()
  const lines = Array.from({ length: 5_000 }, (_, n) => `line ${n}\n`)
  for (const line of lines) channel.print('r1', 'stdout', line)
  channel.flush()
  assert.equal(sent.map(textOf).join(''), lines.join(''))
  assert.ok(sent.length < 1_000, `${sent.length} messages`)
})

test('merged text goes out before any other message, and cells and names are never mixed', () => {
  const { sent, channel } = recorded()
  for (let n = 0; n < 40; n++) channel.print('r1', 'stdout', `${n} `)
  channel.print('r1', 'stderr', 'e')
  channel.print('r2', 'stderr', 'f')
  channel.send({ type: 'inputRequest', requestId: 'r2', prompt: '', password: false })
  const kinds = sent.map(each => (each.type === 'stream' ? `${each.parentId} ${each.name}` : each.type))
  assert.deepEqual(
    kinds.filter((kind, at) => kind !== kinds[at - 1]),
    ['r1 stdout', 'r1 stderr', 'r2 stderr', 'inputRequest'],
  )
  assert.equal(
    sent
      .filter(each => each.type === 'stream' && each.name === 'stdout')
      .map(textOf)
      .join(''),
    Array.from({ length: 40 }, (_, n) => `${n} `).join(''),
  )
})

test('frames survive being cut anywhere', () => {
  const messages: FromCells[] = [
    { type: 'ready', pid: 7 },
    { type: 'stream', parentId: 'r', name: 'stdout', text: '😀\n' },
    { type: 'call', id: 1, requestId: 'r', method: 'm', args: [10n, new Map([[1, 2]])] },
  ]
  const bytes = Buffer.concat(messages.map(encodeFrame))
  for (const size of [1, 3, 7, bytes.length]) {
    const reader = new FrameReader()
    const read: FromCells[] = []
    for (let at = 0; at < bytes.length; at += size) read.push(...reader.push(bytes.subarray(at, at + size)))
    assert.deepEqual(read, messages)
  }
})
