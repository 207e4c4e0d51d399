/** The contract on the embedded log. */
import { EmbeddedConnection } from '../../stream/connectors/embedded.ts'
import { wallClock } from '../../stream/time/clock.ts'
import { connectorContract } from './connector-contract.ts'

connectorContract('the embedded log', async () => {
  const connection = new EmbeddedConnection({ clock: wallClock, demos: [] })
  return {
    connection,
    foreign: async (name, partition, records) => {
      const topic = connection.log.topic(name)
      for (const { key, value, timestampMs, headers } of records) {
        const bytes = (text: string | null) => (text === null ? null : Buffer.from(text))
        const named =
          headers === undefined ? undefined : Object.fromEntries(headers.map(([n, v]) => [n, Buffer.from(v)]))
        topic.append(
          { key: bytes(key), value: bytes(value), timestampMs, partition, headers: named },
          connection.nowMs(),
        )
      }
      topic.announce()
    },
    close: () => connection.close(),
  }
})
