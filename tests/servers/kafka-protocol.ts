/**
 * A few bytes of Kafka's protocol written by hand: the ready check, and a producer that shares no code with any client, so that a
 * mistake our client makes on both ways does not cancel out.
 */
import net from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** Sends one request and gives the body of its answer. */
export function request(
  host: string,
  port: number,
  apiKey: number,
  apiVersion: number,
  body: Buffer,
  limitMs = 5000,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port })
    const header = Buffer.alloc(10 + 6)
    header.writeInt16BE(apiKey, 0)
    header.writeInt16BE(apiVersion, 2)
    header.writeInt32BE(7, 4)
    header.writeInt16BE(6, 8)
    header.write('byhand', 10)
    const length = Buffer.alloc(4)
    length.writeInt32BE(header.length + body.length)
    let got = Buffer.alloc(0)
    socket.setTimeout(limitMs, () => socket.destroy(new Error('no answer in time')))
    socket.on('connect', () => socket.write(Buffer.concat([length, header, body])))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('closed without an answer')))
    socket.on('data', chunk => {
      got = Buffer.concat([got, chunk])
      if (got.length < 8 || got.length < 4 + got.readInt32BE(0)) return
      socket.end()
      resolve(got.subarray(8))
    })
  })
}

/** True when Metadata v1 names a broker and a controller. */
export async function ready(host: string, port: number): Promise<boolean> {
  try {
    const none = Buffer.from([0, 0, 0, 0])
    const answer = await request(host, port, 3, 1, none, 2000)
    const brokers = answer.readInt32BE(0)
    let at = 4
    for (let i = 0; i < brokers; i++) {
      at += 4
      at += 2 + answer.readInt16BE(at)
      at += 4
      at += 2 + Math.max(answer.readInt16BE(at), 0)
    }
    return brokers > 0 && answer.readInt32BE(at) >= 0
  } catch {
    return false
  }
}

/** Resolves when the broker answers at all. */
export async function answers(host: string, port: number): Promise<void> {
  const limitMs = Date.now() + 60_000
  for (;;) {
    try {
      await request(host, port, 3, 1, Buffer.from([0, 0, 0, 0]))
      return
    } catch (error) {
      if (Date.now() > limitMs) throw error
    }
  }
}

export interface HandRecord {
  readonly key: string | null
  readonly value: string | null
  readonly timestampMs: number
  readonly headers?: readonly (readonly [string, string])[]
}

/** Appends `records` to one partition with Produce v3, acks all. Throws on an error code. */
export async function produceByHand(
  host: string,
  port: number,
  topic: string,
  partition: number,
  records: readonly HandRecord[],
): Promise<void> {
  const batch = recordBatch(records)
  const body = Buffer.concat([
    int16(-1), // no transaction
    int16(-1), // acks: all
    int32(10_000),
    int32(1),
    text(topic),
    int32(1),
    int32(partition),
    int32(batch.length),
    batch,
  ])
  const at = 4 + 2 + Buffer.byteLength(topic) + 4 + 4
  const limitMs = Date.now() + 15_000
  for (;;) {
    const code = (await request(host, port, 0, 3, body, 15_000)).readInt16BE(at)
    if (code === 0) return
    // 3, 5, 6: a topic just made has no leader yet. Nothing was written.
    if (![3, 5, 6].includes(code) || Date.now() > limitMs) throw new Error(`Produce answered error ${code}`)
    await wait(50)
  }
}

/** Record batch format v2. */
function recordBatch(records: readonly HandRecord[]): Buffer {
  const firstMs = records[0]!.timestampMs
  const mostMs = Math.max(...records.map(record => record.timestampMs))
  const body = Buffer.concat(records.map((record, i) => recordBytes(record, i, firstMs)))
  const afterCrc = Buffer.concat([
    int16(0),
    int32(records.length - 1),
    int64(BigInt(firstMs)),
    int64(BigInt(mostMs)),
    int64(-1n),
    int16(-1),
    int32(-1),
    int32(records.length),
    body,
  ])
  const crc = Buffer.alloc(4)
  crc.writeUInt32BE(crc32c(afterCrc))
  const afterLength = Buffer.concat([int32(0), Buffer.from([2]), crc, afterCrc])
  return Buffer.concat([int64(0n), int32(afterLength.length), afterLength])
}

function recordBytes(record: HandRecord, index: number, firstMs: number): Buffer {
  const headers = record.headers ?? []
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(record.timestampMs - firstMs),
    varint(index),
    varBytes(record.key),
    varBytes(record.value),
    varint(headers.length),
    ...headers.flatMap(([name, value]) => [varBytes(name), varBytes(value)]),
  ])
  return Buffer.concat([varint(body.length), body])
}

function varBytes(part: string | null): Buffer {
  if (part === null) return varint(-1)
  const bytes = Buffer.from(part)
  return Buffer.concat([varint(bytes.length), bytes])
}

/** Zig-zag. */
function varint(value: number): Buffer {
  let rest = value >= 0 ? BigInt(value) * 2n : BigInt(-value) * 2n - 1n
  const bytes: number[] = []
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([int16(bytes.length), bytes])
}

function int16(value: number): Buffer {
  const b = Buffer.alloc(2)
  b.writeInt16BE(value)
  return b
}

function int32(value: number): Buffer {
  const b = Buffer.alloc(4)
  b.writeInt32BE(value)
  return b
}

function int64(value: bigint): Buffer {
  const b = Buffer.alloc(8)
  b.writeBigInt64BE(value)
  return b
}

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}
