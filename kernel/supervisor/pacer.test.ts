import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../stream/time/clock.ts'
import { Pacer } from './pacer.ts'

/** What Jupyter Server would do with it: the sums over 3 s, counted anew with each idle. */
class Server {
  readonly #clock: VirtualClock
  #seen: { atMs: number; bytes: number }[] = []
  worstBytes = 0
  worstMessages = 0

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  take(bytes: number, idle: boolean): void {
    if (idle) this.#seen = []
    else this.#seen.push({ atMs: this.#clock.nowMs(), bytes })
    this.#seen = this.#seen.filter(one => one.atMs > this.#clock.nowMs() - 3000)
    this.worstMessages = Math.max(this.worstMessages, this.#seen.length / 3)
    this.worstBytes = Math.max(this.worstBytes, this.#seen.reduce((sum, one) => sum + one.bytes, 0) / 3)
  }
}

function paced() {
  const clock = new VirtualClock()
  const server = new Server(clock)
  const sent: string[] = []
  const full: boolean[] = []
  const pacer = new Pacer({
    clock,
    send: frames => {
      const text = Buffer.concat(frames).toString()
      sent.push(text.slice(0, 8).trim())
      server.take(text.length, text.startsWith('idle'))
    },
    onFull: now => full.push(now),
  })
  const frame = (name: string, bytes: number) => [Buffer.from(name.padEnd(bytes))]
  return { clock, server, sent, full, pacer, frame }
}

test('text above the limit is delayed below it, all of it, in order', () => {
  const { clock, server, sent, pacer, frame } = paced()
  const names = Array.from({ length: 400 }, (_, at) => `s${at}`)
  for (const name of names) pacer.push('stream', frame(name, 20_000), false)
  pacer.push('status', frame('idle', 300), true)
  // 8 MB: 0.6 MB at once, the rest at 0.7 MB a second.
  assert.equal(sent.length, 30)
  clock.advance(10_000)
  assert.equal(sent.length, 380)
  clock.advance(1_000)
  assert.deepEqual(sent, [...names, 'idle'])
  assert.ok(server.worstBytes > 600_000 && server.worstBytes <= 900_000, `${server.worstBytes} bytes a second`)
})

test('messages above the limit are delayed too, however small', () => {
  const { clock, server, sent, pacer, frame } = paced()
  for (let at = 0; at < 5000; at += 1) pacer.push('display_data', frame(`d${at}`, 400), false)
  assert.equal(sent.length, 600)
  clock.advance(7_000)
  assert.equal(sent.length, 5000)
  assert.ok(server.worstMessages > 600 && server.worstMessages <= 900, `${server.worstMessages} messages a second`)
})

test('after idle the count begins anew, as the server does', () => {
  const { sent, pacer, frame } = paced()
  for (const cell of ['a', 'b', 'c']) {
    pacer.push('stream', frame(cell, 500_000), false)
    pacer.push('status', frame('idle', 300), true)
  }
  assert.deepEqual(sent, ['a', 'idle', 'b', 'idle', 'c', 'idle'])
})

test('what waits is told when it is too much, and when it is less again', () => {
  const { clock, full, pacer, frame } = paced()
  pacer.push('stream', frame('a', 600_000), false)
  assert.deepEqual(full, [])
  pacer.push('stream', frame('b', 70_000), false)
  assert.deepEqual(full, [true])
  clock.advance(99)
  assert.deepEqual(full, [true])
  clock.advance(2)
  assert.deepEqual(full, [true, false])
})

test('a message larger than all that is allowed at once still goes', () => {
  const { clock, sent, pacer, frame } = paced()
  pacer.push('stream', frame('big', 1_000_000), false)
  pacer.push('stream', frame('next', 10), false)
  assert.deepEqual(sent, ['big'])
  clock.advance(1000)
  assert.deepEqual(sent, ['big', 'next'])
})

test('frames of charts pass what waits, statuses do not', () => {
  const { sent, pacer, frame } = paced()
  pacer.push('stream', frame('a', 600_000), false)
  pacer.push('stream', frame('b', 600_000), false)
  pacer.push('status', frame('busy', 300), false)
  pacer.pass('comm_msg', frame('chart', 300))
  assert.deepEqual(sent, ['a', 'chart'])
  pacer.flush()
  assert.deepEqual(sent, ['a', 'chart', 'b', 'busy'])
})
