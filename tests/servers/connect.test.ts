/** Kafka Connect, started by the project's own script: a file goes into a topic that is read here. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect, createTopic, LocalRuntime, setRuntime, topic } from '../../stream/index.ts'
import { startConnect } from './connect-server.ts'
import { startKafka } from './kafka-server.ts'

test('lines that Connect takes from a file are rows of a stream', { timeout: 180_000 }, async t => {
  const kafka = await startKafka()
  t.after(() => kafka.stop())
  const server = await startConnect(`${kafka.host}:${kafka.port}`)
  t.after(() => server.stop())
  const folder = mkdtempSync(join(tmpdir(), 'riffle-lines-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const runtime = new LocalRuntime()
  setRuntime(runtime)
  t.after(() => runtime.close())
  await connect(kafka.url, { as: 'k' })
  await createTopic('k:lines', { partitions: 1 })
  const path = join(folder, 'lines.txt')
  writeFileSync(path, '{"v":1}\n{"v":2}\n')
  const config = { 'connector.class': 'FileStreamSource', 'tasks.max': '1', file: path, topic: 'lines' }
  const answer = await fetch(`${server.url}/connectors`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'source', config }),
  })
  assert.equal(answer.status, 201)
  const lines = await topic('k:lines', { from: 'earliest' })
  assert.deepEqual(await lines.take(2), [{ v: 1 }, { v: 2 }])
})
