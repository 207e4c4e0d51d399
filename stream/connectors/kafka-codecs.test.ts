/** Packing and unpacking of batches; what is no packed batch gives an error, never a hang. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { lz4, packLz4, packSnappy, packZstd, snappy, zstd } from './kafka-codecs.ts'

const codecs = {
  snappy: [packSnappy, snappy],
  lz4: [packLz4, lz4],
  zstd: [packZstd, zstd],
} as const

for (const [name, [pack, unpack]] of Object.entries(codecs)) {
  test(`${name} gives back what was packed`, async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 3000 }),
      fc.tuple(fc.string({ minLength: 1 }), fc.nat(5000)).map(([text, n]) => Buffer.from(text.repeat(n + 1))),
    )
    await fc.assert(
      fc.asyncProperty(bytes, async given => {
        const buffer = Buffer.from(given)
        assert.ok((await unpack(await pack(buffer))).equals(buffer))
      }),
      { numRuns: 60 },
    )
  })

  test(`${name}: foreign bytes are bytes or an error`, async () => {
    const whole = await pack(Buffer.from('abc'.repeat(500)))
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(whole.length), async (noise, cut) => {
        for (const given of [
          Buffer.from(noise),
          whole.subarray(0, cut),
          Buffer.concat([whole.subarray(0, cut), noise]),
        ]) {
          try {
            assert.ok((await unpack(given)) instanceof Uint8Array)
          } catch (error) {
            assert.ok(error instanceof Error || typeof error === 'string', String(error))
          }
        }
      }),
      { numRuns: 40 },
    )
  })
}

test('lz4: a block that says it is longer than the frame is an error', () => {
  const whole = packLz4(Buffer.from('abc'.repeat(500)))
  // The length of the first block stands behind magic and descriptor.
  const length = whole.readUInt32LE(7)
  assert.ok(length > 8 && length < whole.length)
  const told = (size: number) => {
    const frame = Buffer.from(whole)
    frame.writeUInt32LE(size, 7)
    return frame
  }
  assert.equal(lz4(told(length)).length, 1500)
  for (const size of [whole.length, 0x80000000 + whole.length, 65_537])
    assert.throws(() => lz4(told(size)), /a block is longer than it may be/)
})
