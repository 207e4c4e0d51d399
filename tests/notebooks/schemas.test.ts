/** Lesson 04 through a real Jupyter: what its cells show is what its text says. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Session, startServer, stopServer } from './harness.ts'
import { codeCells } from './notebook-run.ts'

before(startServer)
after(stopServer)

test('lesson 04 registers, refuses, evolves and reads both versions', async () => {
  const cells = await codeCells(new URL('../../notebooks/04-schemas-and-evolution.ipynb', import.meta.url).pathname)
  await Session.use(async session => {
    const texts = new Map<string, string>()
    for (const cell of cells) {
      const run = await session.run(cell.source, cell.id)
      assert.equal(run.status, 'ok', `${cell.id}: ${JSON.stringify(run.outputs)}`)
      texts.set(cell.id, run.outputs.map(output => output.text + String(output.bundle['text/plain'] ?? '')).join('\n'))
    }
    const shows = (id: string, ...parts: RegExp[]) => {
      for (const part of parts) assert.match(texts.get(id) ?? '', part)
    }
    shows(
      'define',
      /shipments-value, version 1, id 1, AVRO/,
      /Rows are \{ id: string; grams: number; sentAt: number \}/,
    )
    shows('raw', /Uint8Array/)
    shows('read', /p-1/, /p-2/)
    shows('break', /FIELD_WITHOUT_DEFAULT/, /it is new and has no default, so records of version 1 cannot be read/)
    shows('evolve', /version 2, id 2/)
    shows('diff', /carrier/, /string, default "post"/)
    shows('both', /p-1[^]*post[^]*p-3[^]*bike/)
    shows('modes', /BACKWARD/, /version 2, which still reads it, has no default for it/)
    shows('list', /1, 2/)
    const late = await session.run(
      'const q = shipment.fields.map(f => f.name)\nawait first.map(s => s.gram).toArray()',
      'wrong',
    )
    assert.equal(late.status, 'error')
    assert.match(JSON.stringify(late.outputs), /gram/)
  })
})
