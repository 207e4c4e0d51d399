import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SourceEvent } from '../model.ts'
import { FeedLog } from './feed-log.ts'

const rows = (...list: unknown[]): SourceEvent => ({ kind: 'rows', rows: list })
const shown = (event: SourceEvent): unknown => (event.kind === 'rows' ? event.rows : event.kind)

test('a consumer that comes later starts at the first push', async () => {
  const log = new FeedLog('f')
  await log.push(rows(1))
  await log.push({ kind: 'end' })
  const seen: unknown[] = []
  log.attach({ deliver: event => void seen.push(shown(event)) })
  assert.deepEqual(seen, [[1], 'end'])
  await assert.rejects(log.push(rows(2)), { code: 'STREAM_STOPPED' })
})

test('a push resolves when all consumers have handled it', async () => {
  const log = new FeedLog('f')
  let release: () => void = () => {}
  log.attach({ deliver: () => new Promise<void>(resolve => (release = resolve)) })
  log.attach({ deliver: () => {} })
  let handled = false
  const pushed = log.push(rows(1)).then(() => (handled = true))
  await Promise.resolve()
  assert.equal(handled, false)
  release()
  await pushed
})

test('a paused consumer holds nobody up and skips nothing', async () => {
  const log = new FeedLog('f')
  const seen: unknown[] = []
  const attachment = log.attach({ deliver: event => void seen.push(shown(event)) })
  attachment.pause()
  await log.push(rows(1))
  await log.push(rows(2))
  assert.deepEqual([seen, attachment.lagCount()], [[], 2])
  attachment.resume()
  assert.deepEqual([seen, attachment.lagCount()], [[[1], [2]], 0])
})

test('a closed consumer gets nothing and holds nobody up', async () => {
  const log = new FeedLog('f')
  const attachment = log.attach({ deliver: () => new Promise(() => {}) })
  const pushed = log.push(rows(1))
  attachment.close()
  attachment.close()
  await pushed
})

test('only the newest rows are kept, and a consumer that comes too late is told', async () => {
  const log = new FeedLog('f', 2)
  for (const v of [1, 2, 3, 4]) await log.push(rows(v))
  assert.throws(() => log.attach({ deliver: () => {} }), {
    code: 'POSITION_INVALID',
    message: 'Cannot start reading feed "f": its first 2 pushes are no longer kept',
  })
  const seen: unknown[] = []
  log.attach({ deliver: event => void seen.push(shown(event)) }, 3)
  assert.deepEqual(seen, [[4]])
})
