import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HistoryMerge } from './history-merge.ts'

/** Delivers the timestamps of each topic, each topic at its own pace; gives the order in which they were handled. */
async function order(topics: readonly (readonly number[])[], pace: (topic: number) => number): Promise<string[]> {
  const merge = new HistoryMerge(topics.length)
  const handled: string[] = []
  const turns = async (count: number) => {
    for (let i = 0; i < count; i++) await Promise.resolve()
  }
  const read = async (topic: number) => {
    for (const ms of topics[topic]!) {
      await turns(pace(topic))
      await merge.turn(topic, merge.secondOf(ms))
      handled.push(`${topic}:${ms}`)
    }
    merge.over(topic)
  }
  await Promise.all(topics.map((_, topic) => read(topic)))
  return handled
}

const topics = [[500, 1500, 1900, 9000], [100, 1200, 5000], [7000]]

test('histories are merged by second, within a second by place, whichever topic is read faster', async () => {
  const expected = ['0:500', '1:100', '0:1500', '0:1900', '1:1200', '1:5000', '2:7000', '0:9000']
  assert.deepEqual(await order(topics, () => 1), expected)
  assert.deepEqual(await order(topics, topic => 1 + topic * 20), expected)
  assert.deepEqual(await order(topics, topic => 50 - topic * 20), expected)
})

test('a topic whose history is over holds nobody up', async () => {
  const merge = new HistoryMerge(2)
  assert.equal(merge.isAlone(0), false)
  const waits = merge.turn(0, 3)
  merge.over(1)
  await waits
  assert.equal(merge.isAlone(0), true)
  merge.over(0)
  await merge.turn(0, 4)
})
