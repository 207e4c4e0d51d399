import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../time/clock.ts'
import { TopicFetches } from './kafka-fetches.ts'
import type { FetchedPartition } from './kafka-client.ts'

function fetched(partition: number, offsets: readonly number[], valueBytes = 10): FetchedPartition {
  const messages = offsets.map(offset => ({
    offset: String(offset),
    timestamp: '0',
    key: null,
    value: Buffer.alloc(valueBytes),
    headers: {},
    isControlRecord: false,
  }))
  return { partition, highWatermark: '100', lastStableOffset: '100', abortedTransactions: [], messages }
}

/** A broker that answers when told. */
function broker() {
  const asked: { answer(with_: readonly FetchedPartition[]): void; lose(): void }[] = []
  const request = () =>
    new Promise<readonly FetchedPartition[]>((resolve, reject) =>
      asked.push({ answer: resolve, lose: () => reject(new Error('lost')) }),
    )
  return { asked, request }
}

const at = (partition: number, fetchAt: bigint) => ({ partition, fetchAt })

test('what one reader fetched is here for another, wherever in it the other stands', async () => {
  const fetches = new TopicFetches(new VirtualClock(0))
  fetches.use()
  await fetches.ask([at(0, 5n), at(1, 0n)], async () => [fetched(0, [5, 6, 7]), fetched(1, [])])
  assert.equal(fetches.here(at(0, 4n)), undefined)
  assert.equal(fetches.here(at(0, 5n))?.messages.length, 3)
  assert.equal(fetches.here(at(0, 7n))?.messages.length, 3)
  assert.equal(fetches.here(at(0, 8n)), undefined)
  assert.equal(fetches.here(at(1, 5n)), undefined)
})

test('one request serves all who wait for the same positions', async () => {
  const fetches = new TopicFetches(new VirtualClock(0))
  const { asked, request } = broker()
  const both = [fetches.ask([at(0, 8n)], request), fetches.ask([at(0, 8n)], request)]
  const elsewhere = fetches.ask([at(0, 9n)], request)
  assert.equal(asked.length, 2)
  asked[0]!.answer([fetched(0, [8])])
  asked[1]!.answer([fetched(0, [9])])
  for (const answer of await Promise.all(both)) assert.equal(answer[0]?.messages[0]?.offset, '8')
  assert.equal((await elsewhere)[0]?.messages[0]?.offset, '9')
})

test('a request that is lost is asked again by whoever had joined it', async () => {
  const fetches = new TopicFetches(new VirtualClock(0))
  const { asked, request } = broker()
  const first = fetches.ask([at(0, 8n)], request)
  const second = fetches.ask([at(0, 8n)], request)
  asked[0]!.lose()
  await assert.rejects(first, /lost/)
  await Promise.resolve()
  assert.equal(asked.length, 2)
  asked[1]!.answer([fetched(0, [8])])
  assert.equal((await second)[0]?.messages[0]?.offset, '8')
})

test('a request nobody answers is not joined after a second', () => {
  const clock = new VirtualClock(0)
  const fetches = new TopicFetches(clock)
  const { asked, request } = broker()
  void fetches.ask([at(0, 8n)], request)
  clock.advance(999)
  void fetches.ask([at(0, 8n)], request)
  assert.equal(asked.length, 1)
  clock.advance(1)
  void fetches.ask([at(0, 8n)], request)
  assert.equal(asked.length, 2)
})

test('the oldest pieces go beyond the bound, all of them with the last reader or a trouble', async () => {
  let unused = 0
  const fetches = new TopicFetches(new VirtualClock(0), () => unused++, 2500)
  const ends = [fetches.use(), fetches.use()]
  const put = (offset: number) => fetches.ask([at(0, BigInt(offset))], async () => [fetched(0, [offset], 700)])
  for (const offset of [0, 1, 2]) await put(offset)
  assert.deepEqual(
    [0n, 1n, 2n].map(offset => fetches.here(at(0, offset)) !== undefined),
    [false, true, true],
  )
  ends[0]!()
  ends[0]!()
  assert.notEqual(fetches.here(at(0, 2n)), undefined)
  ends[1]!()
  assert.equal(unused, 1)
  assert.equal(fetches.here(at(0, 2n)), undefined)
  await put(3)
  fetches.forget()
  assert.equal(fetches.here(at(0, 3n)), undefined)
})
