/**
 * One checkpoint as a file: what is known about it (plain data) and the bytes of a snapshot, closed by a checksum.
 *
 *   "RIFFLECK" | version u32 | meta length u32 | bytes length u64 | meta (v8) | bytes | SHA-256 of all before
 *
 * A file appears under its name complete or not at all: it is written beside it, synced and renamed.
 */
import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { StreamError } from '../errors.ts'

export const CHECKPOINT_VERSION = 1
const MAGIC = Buffer.from('RIFFLECK')
const HEAD_BYTES = 24
const SUM_BYTES = 32
/** Hashed in parts, so that whoever shares the thread gets its turn. */
const PART_BYTES = 4 * 2 ** 20

export interface CheckpointParts {
  /** Plain data: structured clone's types. */
  readonly meta: unknown
  readonly bytes: Uint8Array
}

/** Resolves with the file's size once it would survive a loss of power. */
export async function writeCheckpoint(path: string, { meta, bytes }: CheckpointParts): Promise<number> {
  const metaBytes = serialize(meta)
  const head = Buffer.alloc(HEAD_BYTES)
  MAGIC.copy(head)
  head.writeUInt32LE(CHECKPOINT_VERSION, 8)
  head.writeUInt32LE(metaBytes.length, 12)
  head.writeBigUInt64LE(BigInt(bytes.length), 16)
  const sum = await sumOf([head, metaBytes, bytes])
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}.draft`
  try {
    const file = await open(draft, 'w', 0o600)
    try {
      await file.writev([head, metaBytes, bytes, sum].filter(part => part.length > 0))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  // The name is part of the folder, which has a write-back of its own.
  const opened = await open(folder, 'r')
  await opened.sync().catch(() => undefined)
  await opened.close()
  return HEAD_BYTES + metaBytes.length + bytes.length + SUM_BYTES
}

/** @throws StreamError CHECKPOINT_INVALID when the file is no whole checkpoint of a version known here */
export async function readCheckpoint(path: string): Promise<CheckpointParts> {
  const file = await readFile(path)
  if (file.length < HEAD_BYTES + SUM_BYTES || !file.subarray(0, 8).equals(MAGIC))
    throw invalid(path, file.length === 0 ? 'it is empty' : 'it does not begin like a checkpoint')
  const version = file.readUInt32LE(8)
  if (version !== CHECKPOINT_VERSION)
    throw invalid(path, `it is of version ${version}, this Riffle reads version ${CHECKPOINT_VERSION}`)
  const metaEnd = HEAD_BYTES + file.readUInt32LE(12)
  const bytesEnd = metaEnd + Number(file.readBigUInt64LE(16))
  if (file.length !== bytesEnd + SUM_BYTES)
    throw invalid(path, `it has ${file.length} bytes where ${bytesEnd + SUM_BYTES} were written`)
  const sum = await sumOf([file.subarray(0, bytesEnd)])
  if (!sum.equals(file.subarray(bytesEnd))) throw invalid(path, 'its checksum does not match: bytes were changed')
  return { meta: deserialize(file.subarray(HEAD_BYTES, metaEnd)), bytes: file.subarray(metaEnd, bytesEnd) }
}

async function sumOf(parts: readonly Uint8Array[]): Promise<Buffer> {
  const hash = createHash('sha256')
  for (const part of parts) {
    for (let at = 0; at < part.length; at += PART_BYTES) {
      hash.update(part.subarray(at, at + PART_BYTES))
      if (at + PART_BYTES < part.length) await new Promise(resolve => setImmediate(resolve))
    }
  }
  return hash.digest()
}

function invalid(path: string, why: string): StreamError {
  return new StreamError({
    code: 'CHECKPOINT_INVALID',
    message: `Cannot read checkpoint "${basename(path)}": ${why}`,
    detail: `In folder ${dirname(path)}`,
    hint: 'The one before it is taken; delete the file to be rid of this notice',
  })
}
