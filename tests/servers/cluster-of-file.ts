/** The broker and the registry that all tests of a file share, connected as `k`; ended after the last of them. */
import { after } from 'node:test'
import { connect, LocalRuntime, setRuntime } from '../../stream/index.ts'
import { startKafka } from './kafka-server.ts'
import { startRegistry } from './registry-server.ts'
import type { KafkaServer } from './kafka-server.ts'
import type { RegistryServer } from './registry-server.ts'

export async function clusterOfFile(): Promise<{ readonly kafka: KafkaServer; readonly registry: RegistryServer }> {
  const runtime = new LocalRuntime()
  const starting = [startKafka(), startRegistry()] as const
  after(async () => {
    await runtime.close()
    // One that did not start has nothing to stop; the other must not be left.
    for (const server of await Promise.allSettled(starting))
      if (server.status === 'fulfilled') await server.value.stop()
  })
  const [kafka, registry] = await Promise.all(starting)
  setRuntime(runtime)
  await connect(kafka.url, { as: 'k', registry: registry.url })
  return { kafka, registry }
}
