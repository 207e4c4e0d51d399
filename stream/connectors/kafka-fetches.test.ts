import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../time/clock.ts'
import { TopicFetches } from './kafka-fetches.ts'
import { FetchedPieces } from './kafka-pieces.ts'
import type { Piece } from './kafka-pieces.ts'
import type { FetchedRecords } from './kafka-fetch.ts'

function fetched(partition: number, offsets: readonly number[], valueBytes = 10): FetchedRecords {
  if (offsets.length === 0) return { partition, high: 100n, chunks: [], next: undefined }
  const ranges = Int32Array.from(offsets.flatMap((_, i) => [i * valueBytes, -1, i * valueBytes, valueBytes]))
  const chunk = {
    bytes: Buffer.alloc(offsets.length * valueBytes),
    count: offsets.length,
    offsets: Float64Array.from(offsets),
    timestampsMs: new Float64Array(offsets.length),
    ranges,
    headers: undefined,
  }
  return { partition, high: 100n, chunks: [chunk], next: offsets.at(-1)! + 1 }
}

/** A broker that answers when told. */
function broker() {
  const asked: { answer(with_: readonly FetchedRecords[]): void; lose(): void }[] = []
  const request = () =>
    new Promise<readonly FetchedRecords[]>((resolve, reject) =>
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
  assert.equal(fetches.here(at(0, 5n))?.chunks[0]?.count, 3)
  assert.equal(fetches.here(at(0, 7n))?.chunks[0]?.count, 3)
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
  for (const answer of await Promise.all(both)) assert.equal(answer[0]?.chunks[0]?.offsets[0], 8)
  assert.equal((await elsewhere)[0]?.chunks[0]?.offsets[0], 9)
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
  assert.equal((await second)[0]?.chunks[0]?.offsets[0], 8)
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
  const fetches = new TopicFetches(new VirtualClock(0), () => unused++, 1500)
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

test('whoever reads the history again does not push out what it comes to next', async () => {
  const fetches = new TopicFetches(new VirtualClock(0), () => undefined, 3000)
  fetches.use()
  let asked = 0
  const put = (offset: number) =>
    fetches.ask([at(0, BigInt(offset))], async () => {
      asked++
      return [fetched(0, [offset], 700)]
    })
  const read = async () => {
    for (let offset = 0; offset < 10; offset++) if (fetches.here(at(0, BigInt(offset))) === undefined) await put(offset)
  }
  await read()
  assert.equal(asked, 10)
  // Four of ten are held; the rest is asked for again, and one piece of it passes by for who is as far behind.
  await read()
  assert.equal(asked, 16)
  assert.deepEqual(
    [4n, 5n, 6n, 9n].map(offset => fetches.here(at(0, offset)) !== undefined),
    [false, true, true, true],
  )
})

test('a place among very many small pieces is found without looking at them all', () => {
  const pieces = new FetchedPieces(1e9)
  let looks = 0
  for (let i = 0; i < 4096; i++) {
    const from = BigInt(i)
    const piece = { fetched: fetched(0, [i]), partition: 0, next: from + 1n, bytes: 10 }
    pieces.put(Object.defineProperty(piece, 'from', { get: () => (looks++, from) }) as unknown as Piece)
  }
  looks = 0
  assert.equal(pieces.at(0, 5n)?.next, 6n)
  assert.ok(looks < 20, String(looks))
})

test('records of one log have one number; after trouble with the topic it may be another log', async () => {
  const fetches = new TopicFetches(new VirtualClock(0))
  fetches.use()
  const ask = async (offset: number) => {
    const [answer] = await fetches.ask([at(0, BigInt(offset))], async () => [fetched(0, [offset])])
    return answer?.chunks[0]?.log
  }
  const number = await ask(1)
  assert.equal(typeof number, 'number')
  assert.equal(await ask(2), number)
  assert.equal(fetches.here(at(0, 1n))?.chunks[0]?.log, number)
  fetches.forget()
  assert.notEqual(await ask(1), number)
})
