/** Run All of 200 cells, again and again, with a restart between: no output is missing, none stands in another cell. LONG=1: fifty times. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStatus, startKernel } from './client.ts'
import type { Client, Message } from './client.ts'

const CELLS = 200
const rounds = process.env['LONG'] === undefined ? 2 : 50

/** Ten kinds of cells; each shows what only it can show, and reads what the cell before made. */
const KINDS: readonly ((at: number) => { code: string; shows: readonly string[] })[] = [
  at => ({ code: `const made${at} = ${at}`, shows: [] }),
  at => ({ code: `made${at - 1} + 1`, shows: [`result ${at}`] }),
  at => ({
    code: `console.log('printed ${at}')\nconsole.error('aside ${at}')`,
    shows: [`stdout printed ${at}\n`, `stderr aside ${at}\n`],
  }),
  at => ({
    code: `await new Promise(done => setTimeout(done, 1))\nconsole.log('after a wait ${at}')`,
    shows: [`stdout after a wait ${at}\n`],
  }),
  at => ({ code: `setTimeout(() => console.log('late ${at}'), 5);`, shows: [`stdout late ${at}\n`] }),
  at => ({ code: `display('shown ${at}');`, shows: [`display 'shown ${at}'`] }),
  at => ({
    code: `for (let n = 0; n < 500; n++) console.log(${at}, n)`,
    shows: [`stdout ${Array.from({ length: 500 }, (_, n) => `${at} ${n}\n`).join('')}`],
  }),
  at => ({ code: `import { writeSync } from 'node:fs'\nwriteSync(1, 'raw ${at}\\n');`, shows: [`stdout raw ${at}\n`] }),
  at => ({
    code: `function twice${at}(n: number): number { return 2 * n }\ntwice${at}(${at})`,
    shows: [`result ${2 * at}`],
  }),
  at => ({ code: `let again = ${at};\n\`\${again}\``, shows: [`result '${at}'`] }),
]

const cells = Array.from({ length: CELLS }, (_, at) => KINDS[at % KINDS.length]!(at))

test(`Run All of ${CELLS} cells, ${rounds} times with a restart between`, async () => {
  for (let round = 0; round < rounds; round += 1) {
    // Every second time without types: cells follow each other closer then.
    const kernel = await startKernel({ environment: { RIFFLE_TYPES: round % 2 === 0 ? 'on' : 'off' } })
    try {
      await runAll(kernel.client, round)
    } finally {
      await kernel.stop()
    }
  }
})

async function runAll(client: Client, round: number): Promise<void> {
  const ids = cells.map(({ code }) => client.execute(code))
  for (const id of ids) {
    const reply = await client.reply(id)
    assert.equal(reply.content['status'], 'ok', JSON.stringify(reply.content))
    await client.idle(id)
  }
  for (const [at, id] of ids.entries()) {
    const wanted = cells[at]!.shows
    // A timer fires when it is due, perhaps after later cells; its output still belongs here.
    if (at % KINDS.length === 4)
      await client.until(
        one => one.parent.msg_id === id && one.header.msg_type === 'stream',
        `the late output of cell ${at}`,
      )
    const messages = client.of(id)
    assert.deepEqual(shown(messages), wanted, `cell ${at} of round ${round}`)
    assert.deepEqual(
      messages.filter(one => one.header.msg_type === 'status').map(one => one.content['execution_state'] as unknown),
      ['busy', 'idle'],
    )
    assert.equal(messages[1]?.content['execution_count'], at + 1)
  }
  // Idle of a cell comes before busy of the next.
  const states = client.received.filter(
    one => (isStatus(one, 'busy') || isStatus(one, 'idle')) && ids.includes(one.parent.msg_id ?? ''),
  )
  assert.deepEqual(
    states.map(one => one.parent.msg_id),
    ids.flatMap(id => [id, id]),
  )
}

/** Text of one stream is one entry, however it was cut. */
function shown(messages: readonly Message[]): string[] {
  const entries: string[] = []
  for (const { header, content } of messages) {
    if (header.msg_type === 'execute_result') entries.push(`result ${String(content['data']['text/plain'])}`)
    if (header.msg_type === 'display_data') entries.push(`display ${String(content['data']['text/plain'])}`)
    if (header.msg_type !== 'stream') continue
    const name = `${String(content['name'])} `
    const last = entries.length - 1
    if (entries[last]?.startsWith(name) === true) entries[last] += String(content['text'])
    else entries.push(`${name}${String(content['text'])}`)
  }
  return entries
}
