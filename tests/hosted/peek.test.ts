/** The newest records of a topic, as the side panel asks the engine for them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrowserEnd } from './browser-end.ts'
import { engineOfFile } from './engine-of-file.ts'
import { until } from './hosted.ts'

const { engine, runtime } = await engineOfFile()
const page = new BrowserEnd(engine, 'page')

function peeked(topic: string): Promise<readonly [readonly string[], string | null]> {
  page.send({ type: 'peek', connection: 'embedded', topic })
  const seen = engine.notices.length
  return until(() => {
    for (const notice of engine.notices.slice(seen))
      if (notice.type === 'chart' && notice.message.type === 'peek' && notice.message.topic === topic)
        return Promise.resolve([notice.message.lines, notice.message.problem] as const)
    return Promise.resolve(undefined)
  })
}

test('five records of a topic, oldest first, with escapes for what would not be seen', async () => {
  await runtime.createTopic('embedded', 'peeked', { partitions: 1 })
  await runtime.produce(
    'embedded',
    'peeked',
    Array.from({ length: 8 }, (_, n) => ({ n, text: n === 7 ? 'a\u202eb' : '<b>' })),
  )
  const [lines, problem] = await peeked('peeked')
  assert.equal(problem, null)
  assert.deepEqual(lines, [
    '{"n":3,"text":"<b>"}',
    '{"n":4,"text":"<b>"}',
    '{"n":5,"text":"<b>"}',
    '{"n":6,"text":"<b>"}',
    '{"n":7,"text":"a\\u202eb"}',
  ])
})

test('an empty topic has no records, and of one that is not there the reason is told', async () => {
  await runtime.createTopic('embedded', 'nothing', { partitions: 2 })
  assert.deepEqual(await peeked('nothing'), [[], null])
  const [lines, problem] = await peeked('unheard')
  assert.deepEqual(lines, [])
  assert.match(String(problem), /topic "unheard"/)
})
