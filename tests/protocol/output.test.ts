/** What is printed arrives whole and in order, whoever prints it and however fast; behind a server it is paced. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startKernel } from './client.ts'
import type { Client, StartedKernel } from './client.ts'

let kernel: StartedKernel
let client: Client

before(async () => {
  kernel = await startKernel()
  client = kernel.client
})
after(async () => await kernel.stop())

const run = async (code: string): Promise<{ id: string; text: string }> => {
  const { id, reply, iopub } = await client.run(code)
  assert.equal(reply.content['status'], 'ok', String(reply.content['evalue']))
  assert.equal(iopub.at(-1)?.content['execution_state'], 'idle')
  return { id, text: client.text(id) }
}

test('100,000 lines at full speed arrive whole, in order, before idle', async () => {
  const { text } = await run('for (let line = 0; line < 100_000; line++) console.log(`line ${line}`)')
  const lines = text.split('\n')
  assert.equal(lines.length, 100_001)
  assert.ok(lines.every((line, at) => line === (at === 100_000 ? '' : `line ${at}`)))
})

test('lines of 200 kB are whole, and a message is never larger than a browser likes', async () => {
  const { id, text } = await run('for (const letter of "abcde") console.log(letter.repeat(200_000))')
  assert.equal(text, Array.from('abcde', letter => `${letter.repeat(200_000)}\n`).join(''))
  const sizes = client.of(id).map(one => String(one.content['text'] ?? '').length)
  assert.ok(Math.max(...sizes) <= 262_144, `${Math.max(...sizes)} characters in one message`)
})

/** One byte at a time, each written when the one before has left the process. */
const BYTEWISE = `const b = Buffer.from('🌊 wave\\n'); let i = 0
const next = () => i < b.length && process.stdout.write(b.subarray(i, ++i), next); next()`

test('characters that are cut between two chunks stay whole: of a cell, of a descriptor, of a child', async () => {
  const { text } = await run(`import { writeSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
const bytes = Buffer.from('🌊 wave\\n')
for (const byte of bytes) process.stdout.write(Buffer.from([byte]))
for (const byte of bytes) writeSync(1, Buffer.from([byte]))
spawnSync(process.execPath, ['-e', ${JSON.stringify(BYTEWISE)}], { stdio: 'inherit' });`)
  assert.equal(text, '🌊 wave\n'.repeat(3))
})

test('a child and a grandchild print in the cell, after the cell has ended too', async () => {
  const { id, text } = await run(`import { spawn, spawnSync } from 'node:child_process'
spawnSync('sh', ['-c', 'echo child; sh -c "echo grandchild; echo its error >&2"'], { stdio: 'inherit' })
const late = spawn('sh', ['-c', 'read line; echo "late $line"'], { stdio: ['pipe', 'inherit', 'inherit'] });`)
  assert.equal(text, 'child\ngrandchild\n')
  assert.equal(client.text(id, 'stderr'), 'its error\n')
  await run('late.stdin.end("child\\n");')
  await client.until(one => one.content['text'] === 'late child\n', 'what the child prints late')
})

test('native code prints in the cell', async () => {
  // Node's own C++ writes the report to the descriptor, past every JavaScript stream.
  const { id } = await run('process.report.writeReport("stderr");')
  assert.match(client.text(id, 'stderr'), /"nodejsVersion": "v/)
})

test('20,000 updates of a display become few, the last one is right, lines between them all arrive', async () => {
  const { id, text } = await run(`const bar = display('begin')
for (let at = 1; at <= 20_000; at++) {
  bar.update(\`at \${at}\`)
  if (at % 1000 === 0) console.log(at)
}`)
  assert.equal(text, Array.from({ length: 20 }, (_, at) => `${(at + 1) * 1000}\n`).join(''))
  const updates = client.of(id).filter(one => one.header.msg_type === 'update_display_data')
  assert.ok(updates.length < 2000, `${updates.length} updates`)
  assert.equal(updates.at(-1)?.content['data']['text/plain'], "'at 20000'")
})

test('behind a server 4 MB take their time, all of them; Stop ends endless printing at once', async () => {
  const paced = await startKernel({ environment: { RIFFLE_PACED: '1' } })
  try {
    const began = performance.now()
    const { id, reply, iopub } = await paced.client.run(
      "const line = 'x'.repeat(99); for (let n = 0; n < 40_000; n++) console.log(line)",
    )
    const seconds = (performance.now() - began) / 1000
    assert.equal(reply.content['status'], 'ok')
    assert.equal(paced.client.text(id), `${'x'.repeat(99)}\n`.repeat(40_000))
    assert.equal(iopub.at(-1)?.content['execution_state'], 'idle')
    // 0.6 MB at once, then 0.7 MB a second.
    assert.ok(seconds > 4, `${seconds} s`)
    const endless = paced.client.execute("console.log('begin'); for (;;) console.log('y'.repeat(999))")
    await paced.client.until(() => paced.client.text(endless).length > 700_000, 'the paced phase')
    const interrupt = paced.client.send('control', 'interrupt_request', {})
    await paced.client.reply(interrupt)
    const atStop = paced.client.text(endless).length
    await paced.client.idle(endless)
    assert.equal((await paced.client.reply(endless)).content['ename'], 'Interrupted')
    // What waited in the pacer and in the pipe, not what the loop would have printed on.
    const behind = paced.client.text(endless).length - atStop
    process.stdout.write(`# Characters behind a Stop while paced: ${behind}\n`)
    assert.ok(behind < 600_000, `${behind} characters`)
  } finally {
    await paced.stop()
  }
})
