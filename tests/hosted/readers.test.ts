/** Law 4: running a cell again replaces its stream; nothing is left reading twice. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Connections } from '../../kernel/engine/connections.ts'
import { Engine } from '../../kernel/engine/engine.ts'
import { EmbeddedConnection } from '../../stream/connectors/embedded.ts'
import { wallClock } from '../../stream/time/clock.ts'
import { builtOrSource } from './hosted.ts'
import type { ReadOptions, Reader } from '../../stream/connectors/connector.ts'
import type { PlanNode } from '../../stream/plan.ts'

/** The built-in topics, counting readers that are open. */
class CountedConnection extends EmbeddedConnection {
  openCount = 0
  openedCount = 0

  override async read(topic: string, options: ReadOptions): Promise<Reader> {
    const reader = await super.read(topic, options)
    this.openCount += 1
    this.openedCount += 1
    let closed = false
    return {
      partitionCount: reader.partitionCount,
      starts: reader.starts,
      next: () => reader.next(),
      lagCount: () => reader.lagCount(),
      close: async () => {
        if (!closed) this.openCount -= 1
        closed = true
        await reader.close()
      },
    }
  }
}

const counted = (sizeMs: number): PlanNode => ({
  op: 'window',
  input: { op: 'topic', connection: 'embedded', topic: 'orders', options: { from: 'earliest' } },
  options: {
    window: { kind: 'tumbling', sizeMs, offsetMs: 0 },
    by: [{ name: 'region' }],
    aggregates: [{ name: 'count', aggregate: { kind: 'count' } }],
    latenessMs: 0,
    emit: 'final',
  },
})

test('a stream started three times has one reader, a stopped one has none', async () => {
  const connection = new CountedConnection({ clock: wallClock })
  const silent = () => {}
  const engine = new Engine({
    worker: builtOrSource('kernel/engine/compute-worker'),
    connections: new Connections(connection),
    chart: silent,
    lambdaOutput: silent,
    streamError: silent,
    paramChanged: silent,
  })
  try {
    const handlers = engine.forCells(silent)
    for (const sizeMs of [10_000, 10_000, 5_000])
      await handlers.start('perRegion', counted(sizeMs), { cellId: 'window' })
    assert.deepEqual(connection.openedCount, 3)
    assert.equal(connection.openCount, 1)
    assert.deepEqual((await handlers.list()).map(stream => stream.name), ['perRegion']) // prettier-ignore
    await handlers.stop('perRegion')
    assert.equal(connection.openCount, 0)
  } finally {
    await engine.close()
  }
})
