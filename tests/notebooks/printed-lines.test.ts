/** Jupyter Server drops text above 1 MB a second and messages above 1,000 a second: what a cell prints arrives all the same. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Session, startServer, stopServer } from './harness.ts'
import { printed } from './notebook-run.ts'

before(startServer)
after(stopServer)

test('100,000 lines, 6 MB, arrive through Jupyter Server whole and in order', async () =>
  Session.use(async session => {
    const run = await session.run("for (let n = 0; n < 100_000; n++) console.log(`${n} ${'-'.repeat(50)}`)")
    assert.equal(run.status, 'ok')
    const lines = printed(run).split('\n')
    assert.equal(
      lines.find(line => line.includes('exceeded')),
      undefined,
    )
    assert.equal(lines.length, 100_001)
    assert.ok(lines.slice(0, -1).every((line, at) => line === `${at} ${'-'.repeat(50)}`))
  }))

test('4,000 displays arrive through Jupyter Server', async () =>
  Session.use(async session => {
    const run = await session.run('for (let n = 0; n < 4000; n++) display(n)')
    assert.deepEqual(
      run.outputs.map(output => output.text),
      Array.from({ length: 4000 }, (_, n) => String(n)),
    )
  }))
