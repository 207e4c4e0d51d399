/**
 * Messages to the supervisor over file descriptor 3: uint32 little-endian byte length, then a v8-serialised `FromCells`.
 * Written synchronously, so order is kept and what was written survives a crash of this process.
 */
import { writeSync } from 'node:fs'
import { deserialize, serialize } from 'node:v8'
import type { FromCells } from './protocol.ts'

export function encodeFrame(message: FromCells): Buffer {
  const body = serialize(message)
  const frame = Buffer.allocUnsafe(4 + body.length)
  frame.writeUInt32LE(body.length, 0)
  body.copy(frame, 4)
  return frame
}

const nap = new Int32Array(new SharedArrayBuffer(4))

/** Writes everything; a full pipe makes the cell wait, it loses nothing. */
export function writeAll(descriptor: number, bytes: Uint8Array): void {
  let at = 0
  while (at < bytes.length) {
    try {
      at += writeSync(descriptor, bytes, at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(nap, 0, 0, 1)
    }
  }
}

/** The reading side: takes chunks as they come, gives whole messages. */
export class FrameReader {
  private rest: Buffer = Buffer.alloc(0)

  push(chunk: Uint8Array): FromCells[] {
    this.rest = this.rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.rest, chunk])
    const messages: FromCells[] = []
    let at = 0
    while (this.rest.length - at >= 4) {
      const length = this.rest.readUInt32LE(at)
      if (this.rest.length - at - 4 < length) break
      messages.push(deserialize(this.rest.subarray(at + 4, at + 4 + length)) as FromCells)
      at += 4 + length
    }
    this.rest = this.rest.subarray(at)
    return messages
  }
}
