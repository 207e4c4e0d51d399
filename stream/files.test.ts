/** Rows of a file of JSON lines: in pieces, with the number of a line that is none. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { count, file, from, sum, tumbling } from './index.ts'

const folder = await mkdtemp(join(tmpdir(), 'riffle-files-'))
after(() => rm(folder, { recursive: true }))

async function written(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

test('lines over several pieces, blank ones, letters of several bytes and no newline at the end', async () => {
  const lines = Array.from({ length: 30_000 }, (_, i) => JSON.stringify({ at: i, name: 'Zürich ⇄', v: i % 10 }))
  const path = await written('long.jsonl', `${lines.join('\n').replace('\n', '\r\n\n  \n')}`)
  const rows = await from(file(path), { time: 'at' }).toArray()
  assert.equal(rows.length, 30_000)
  assert.ok(rows.every((row, i) => row['at'] === i && row['name'] === 'Zürich ⇄'))
  const windows = await from(file(path), { time: 'at', outOfOrder: 0 })
    .window(tumbling(20_000))
    .aggregate({ n: count(), total: sum('v') })
    .toArray()
  assert.deepEqual(windows.map(w => [w.windowStart, w.n, w.total]), [[0, 20_000, 90_000], [20_000, 10_000, 45_000]]) // prettier-ignore
})

test('a line that is no JSON ends the read and is named', async () => {
  const path = await written('broken.jsonl', '{"at":1}\n\n{"at":2}\n{"at":\n{"at":3}\n')
  await assert.rejects(from(file(path), { time: 'at' }).toArray(), {
    code: 'VALUE_UNDECODABLE',
    message: `Cannot read line 4 of file "${path}": it is no JSON`,
  })
})

test('an empty file has no rows, a missing one is an error, partitions are chosen by row', async () => {
  assert.deepEqual(await from(file(await written('empty.jsonl', ''))).toArray(), [])
  await assert.rejects(from(file(join(folder, 'none.jsonl'))).toArray(), /there is no such file/)
  const path = await written('two.jsonl', '{"at":5,"p":1}\n{"at":1,"p":0}\n{"at":9,"p":0}\n{"at":9,"p":1}\n')
  const options = { time: 'at', outOfOrder: 0, partitions: 2, partition: (row: Record<string, unknown>) => row['p'] as number }
  const late = await from(file(path), options).window(tumbling(2)).aggregate({ n: count() }).late().toArray()
  assert.equal(late.length, 0)
}) // prettier-ignore
