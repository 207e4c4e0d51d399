import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { keepSecret } from '../../stream/redact.ts'
import { jsonText, Wire } from './message.ts'

function signed(key: string, parts: readonly string[]): Buffer[] {
  const hmac = createHmac('sha256', key)
  for (const part of parts) hmac.update(part)
  return ['client', '<IDS|MSG>', hmac.digest('hex'), ...parts].map(part => Buffer.from(part))
}

const PARTS = ['{"msg_id":"1","msg_type":"kernel_info_request"}', '{}', '{}', '{}']

test('a signed message is read, and read once', () => {
  const wire = new Wire('secret')
  const message = wire.decode(signed('secret', PARTS))
  assert.ok(!('ignored' in message))
  assert.equal(message.header.msg_type, 'kernel_info_request')
  assert.deepEqual(message.identities.map(String), ['client'])
  assert.deepEqual(wire.decode(signed('secret', PARTS)), { ignored: 'the message was seen before' })
})

test('a wrong key, a cut signature and bad JSON are ignored without a digest', () => {
  const wire = new Wire('secret')
  const cut = signed('secret', PARTS)
  cut[2] = Buffer.from('ab')
  assert.deepEqual(wire.decode(signed('guess', PARTS)), { ignored: 'the signature is wrong' })
  assert.deepEqual(wire.decode(cut), { ignored: 'the signature is wrong' })
  assert.deepEqual(wire.decode(signed('secret', ['{', '{}', '{}', '{}'])), { ignored: 'a frame is not JSON' })
  assert.deepEqual(wire.decode([Buffer.from('nothing')]), { ignored: 'frames are missing' })
})

test('an empty key means no signing', () => {
  const wire = new Wire('')
  const frames = wire.encode({ type: 'status', content: {} })
  assert.equal(String(frames[1]), '')
  assert.ok(!('ignored' in wire.decode(frames)))
  assert.ok(!('ignored' in wire.decode(frames)))
})

test('lone surrogates and bigint become what Python can read', () => {
  assert.equal(jsonText({ a: 'x\ud800y', b: 5n, c: '👋' }), '{"a":"x\ufffdy","b":"5","c":"👋"}')
})

test('a text that is secret leaves in no frame of a message', () => {
  keepSecret('pass-"word"-1')
  const frames = new Wire('').encode({
    type: 'stream',
    content: { name: 'stdout', text: 'it is pass-"word"-1' },
    metadata: { note: 'pass-"word"-1' },
  })
  const text = Buffer.concat(frames).toString()
  assert.match(text, /it is \*\*\*/)
  assert.ok(!text.includes('word'))
})
