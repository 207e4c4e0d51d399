import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { StreamError } from '../stream/errors.ts'
import { createRpc, ipcTransport, streamTransport } from './rpc.ts'

interface Remote {
  add(a: bigint, b: bigint): bigint
  echo(value: unknown): unknown
  fail(kind: string): void
  hang(): void
}

/** Two ends of a pipe that delivers bytes in pieces of `piece`. */
function pipe(piece: number): [Duplex, Duplex] {
  const ends: Duplex[] = []
  for (const side of [0, 1]) {
    ends.push(
      new Duplex({
        read() {},
        write(chunk: Buffer, _encoding, done) {
          for (let at = 0; at < chunk.length; at += piece) ends[1 - side]!.push(chunk.subarray(at, at + piece))
          done()
        },
        destroy(_error, done) {
          ends[1 - side]?.push(null)
          done(null)
        },
      }),
    )
  }
  return [ends[0]!, ends[1]!]
}

function pair(piece = 3) {
  const [left, right] = pipe(piece)
  const notices: unknown[] = []
  const served = createRpc<Remote, object, { say: string }>(streamTransport(right), {
    onNotice: notice => notices.push(notice),
    handlers: {
      add: (a, b) => a + b,
      echo: async value => value,
      fail: kind => {
        if (kind === 'stream')
          throw new StreamError({
            code: 'TOPIC_UNKNOWN',
            message: 'm',
            hint: 'h',
            detail: 'd',
            cause: new RangeError('c'),
          })
        throw new TypeError('not that')
      },
      hang: () => new Promise<void>(() => {}),
    },
  })
  const caller = createRpc<object, Remote, never, { say: string }>(streamTransport(left))
  return { caller, served, notices }
}

test('a request is answered across frames cut anywhere', async () => {
  for (const piece of [1, 2, 3, 5, 100_000]) {
    const { caller } = pair(piece)
    assert.equal(await caller.call('add', 2n, 40n), 42n)
    const value = { map: new Map([['a', 1]]), when: new Date(5), floats: new Float64Array([1.5, 2]), none: null }
    assert.deepEqual(await caller.call('echo', value), value)
  }
})

test('notices arrive in order with requests between them', async () => {
  const { caller, notices } = pair()
  caller.notify({ say: 'one' })
  caller.notify({ say: 'two' })
  await caller.call('echo', 1)
  assert.deepEqual(notices, [{ say: 'one' }, { say: 'two' }])
})

test('a StreamError crosses with code, hint, detail and cause', async () => {
  const { caller } = pair()
  await assert.rejects(caller.call('fail', 'stream'), error => {
    assert.ok(error instanceof StreamError)
    assert.deepEqual([error.code, error.message, error.hint, error.detail], ['TOPIC_UNKNOWN', 'm', 'h', 'd'])
    assert.equal((error.cause as Error).name, 'RangeError')
    return true
  })
})

test('any other error keeps its name', async () => {
  const { caller } = pair()
  await assert.rejects(caller.call('fail', 'plain'), { name: 'TypeError', message: 'not that' })
})

test('a value that cannot be serialised fails its own call only', async () => {
  const { caller } = pair()
  await assert.rejects(
    caller.call('echo', () => 1),
    /could not be cloned/,
  )
  assert.equal(await caller.call('echo', 'still here'), 'still here')
})

test('closing rejects pending and later calls with ENGINE_GONE', async () => {
  const { caller, served } = pair()
  const pending = caller.call('hang')
  served.close()
  await assert.rejects(pending, { code: 'ENGINE_GONE', retriable: true })
  await assert.rejects(caller.call('echo', 1), { code: 'ENGINE_GONE' })
  assert.equal(caller.closed, true)
})

test('an unknown method is an error, inherited names included', async () => {
  const { caller } = pair()
  await assert.rejects(caller.call('toString' as 'echo', 1), { code: 'INTERNAL' })
})

test('a channel that was closed before anybody listened is told as closed', async () => {
  const rpc = createRpc<object, Remote>(ipcTransport({ on: () => undefined, connected: false }))
  await new Promise<void>(resolve => rpc.onClose(resolve))
  await assert.rejects(rpc.call('echo', 1), { code: 'ENGINE_GONE' })
})
