/** What the first records of each demo topic are, as one hash a topic: the same on every machine, or a lesson differs from laptop to laptop. */
import { createHash } from 'node:crypto'
import { EmbeddedConnection } from '../../connectors/embedded.ts'
import { VirtualClock } from '../../time/clock.ts'

/** SHA-256 over partition, offset, timestamp, key and value of the first 1,000 records in the order a reader gets them. */
export async function fingerprints(): Promise<Record<string, string>> {
  const connection = new EmbeddedConnection({ clock: new VirtualClock(0) })
  const hashes: Record<string, string> = {}
  for (const topic of connection.log.names()) {
    const reader = await connection.read(topic, { from: 'earliest', maxBatch: 1000 })
    const hash = createHash('sha256')
    for (let left = 1000; left > 0;) {
      const result = await reader.next()
      if (result === null) break
      const { batch } = result
      for (let i = 0; i < batch.count && left > 0; i++, left--) {
        hash.update(`${batch.partitions[i]} ${batch.offsets[i]} ${batch.timestampsMs[i]} `)
        for (const ranges of [batch.keyRanges, batch.valueRanges]) {
          hash.update(batch.bytes.subarray(ranges[2 * i]!, ranges[2 * i]! + ranges[2 * i + 1]!))
        }
      }
    }
    hashes[topic] = hash.digest('hex')
    await reader.close()
  }
  return hashes
}
