import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keepSecret, redactWrites } from './redact.ts'

test('what a library writes is shown without secrets, as text and as bytes', () => {
  const written: unknown[] = []
  const stream = { write: ((chunk: unknown) => written.push(chunk) > 0) as NodeJS.WriteStream['write'] }
  redactWrites(stream)
  keepSecret('s3cret-of-a-broker')
  stream.write('login s3cret-of-a-broker refused\n')
  stream.write(Buffer.from('again s3cret-of-a-broker'))
  stream.write('nothing to hide')
  const bytes = Buffer.from([0, 255, 1])
  stream.write(bytes)
  assert.deepEqual(written, ['login *** refused\n', 'again ***', 'nothing to hide', bytes])
})
