/** Lessons 02 (on a real broker and registry) and 03 through a real Jupyter: what their cells show is what their text says. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startKafka } from '../servers/kafka-server.ts'
import { startRegistry } from '../servers/registry-server.ts'
import { Session, startServer, stopServer } from './harness.ts'
import { codeCells } from './notebook-run.ts'
import type { KafkaServer } from '../servers/kafka-server.ts'
import type { RegistryServer } from '../servers/registry-server.ts'

let kafka: KafkaServer | undefined
let registry: RegistryServer | undefined
before(async () => {
  await startServer()
  ;[kafka, registry] = await Promise.all([startKafka(), startRegistry()])
})
after(async () => {
  await stopServer()
  await Promise.all([kafka?.stop(), registry?.stop()])
})

/** Runs the code cells one after the other, changed by `change`; gives what each of them showed as text. */
async function runLesson(session: Session, file: string, change = (source: string) => source) {
  const cells = await codeCells(new URL(`../../notebooks/${file}`, import.meta.url).pathname)
  const texts = new Map<string, string>()
  for (const cell of cells) {
    const run = await session.run(change(cell.source), cell.id)
    assert.equal(run.status, 'ok', `${cell.id}: ${JSON.stringify(run.outputs)}`)
    texts.set(cell.id, run.outputs.map(output => output.text + String(output.bundle['text/plain'] ?? '')).join('\n'))
  }
  return (id: string, ...parts: RegExp[]) => {
    for (const part of parts) assert.match(texts.get(id) ?? '', part, id)
  }
}

test('lesson 02 fills, reads and writes topics of a real cluster', async () => {
  await Session.use(async session => {
    const typed = '%connect kafka://localhost:9092 --registry http://localhost:8081 --as mine'
    let changed = 0
    const shows = await runLesson(session, '02-your-own-kafka.ipynb', source => {
      if (source.trim() === typed) changed++
      return source.replace(typed, `%connect ${kafka!.url} --registry ${registry!.url} --as mine`)
    })
    assert.equal(changed, 1, 'one line says where topics live')
    shows('create', /topic mine:orders made, 3 partitions/)
    shows('history', /^\d{4,} records to topic mine:orders/m)
    shows('topics', /orders +3 +[\d,]{5,} .* for ever +– · avro v1/)
    shows('sink', /^\d+ records to topic mine:revenue-10s/m)
    shows('written', /region: '\w+'/, /revenue: /, /windowEnd: /)
    shows('groups', /no consumer group/)
  })
})

test('lesson 03 shows positions, replay, tables, segments, retention and more partitions', async () => {
  await Session.use(async session => {
    const shows = await runLesson(session, '03-topics-and-the-log.ipynb')
    shows('append', /5 records to ledger: \d@0, \d@0|5 records to ledger/)
    // Java's murmur2: ann and cleo share a partition, bob has the other.
    shows('positions', /account: 'ann', amount: 50/, /offset: 0n/)
    shows('balances', /5 records to topic balances/)
    shows('table', /'ann' => 40/, /'bob' => 35/, /'cleo' => 5/)
    shows('many', /20000 records to ledger/)
    shows('log', /segment: 0n/, /segment: 4096n/)
    shows('retain', /topic ledger altered/)
    shows('grow', /topic ledger altered/)
    shows('moved', /3 records to ledger: [0-3]@\d+, [0-3]@\d+, [0-3]@\d+/)
  })
})
