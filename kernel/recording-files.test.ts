/** `riffle record` and `riffle replay` on the demo topics, which any machine has alike. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readRecording } from '../stream/recordings/recording-file.ts'
import { recordFile, replayFile } from './recording-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'riffle-record-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const never = new AbortController().signal
console.log = () => {}

test('a topic is recorded up to its end, the same records on any machine, and replayed a line a row', async () => {
  const file = join(folder, 'payments.rec')
  const to = '2026-01-01T09:05:00Z'
  const told = await recordFile('payments', file, { to, time: 'at' }, never)
  const { records, hash } = readRecording(file)
  assert.match(told, new RegExp(`^${records} records, \\d+ bytes, hash ${hash}\\n$`))
  assert.ok(records > 100, told)
  const lines: string[] = []
  assert.equal(await replayFile(file, { speed: 'max' }, line => void lines.push(line), never), `${records} records\n`)
  assert.equal(lines.length, records)
  assert.ok(lines.every(line => typeof (JSON.parse(line) as { card?: unknown }).card === 'string'))
})

test('a recording ends when it is full, and when the user says so', async () => {
  const file = join(folder, 'orders.rec')
  await recordFile('orders', file, { rows: 500 }, never)
  assert.equal(readRecording(file).records, 500)
  assert.equal(readRecording(file).header.stream, 'orders')
  const stopped = await recordFile('orders', file, {}, AbortSignal.abort())
  assert.match(stopped, /^\d+ records, /)
})

test('what cannot be recorded or replayed is told with the next step', async () => {
  await assert.rejects(recordFile('nothing', join(folder, 'x.rec'), {}, never), { code: 'TOPIC_UNKNOWN' })
  await assert.rejects(recordFile('orders', join(folder, 'no/x.rec'), { rows: 5 }, never), {
    code: 'RECORDING_INVALID',
  })
  await assert.rejects(
    replayFile(join(folder, 'none.rec'), {}, () => {}, never),
    { code: 'RECORDING_INVALID' },
  )
})
