/**
 * Logins from cells of a real kernel: by profile, by environment, by prompt, right and wrong. Whatever the kernel says meanwhile, to the
 * notebook, to its log or to a file, holds no password.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { filesBelow, secrets, startLogged, wrongPassword } from './logged-kernel.ts'
import { passwords, startSecureKafka } from './secure-kafka.ts'
import type { Message, StartedKernel } from '../protocol/client.ts'
import type { LoggedKernel } from './logged-kernel.ts'
import type { SecureKafka } from './secure-kafka.ts'

let logged: LoggedKernel
let kafka: SecureKafka
let kernel: StartedKernel

before(async () => {
  kafka = await startSecureKafka()
  const alice = { url: kafka.saslTlsUrl, sasl: 'scram-sha-512', user: 'alice', ca: kafka.ca }
  logged = await startLogged({
    alice: { ...alice, password: passwords.alice },
    wrong: { ...alice, password: wrongPassword },
    carol: { ...alice, sasl: 'plain', user: 'carol', password: passwords.carol },
    asks: { ...alice, user: 'bob' },
  })
  kernel = logged.kernel
})
after(async () => {
  await logged?.stop()
  await kafka?.stop()
})

async function run(code: string): Promise<{ status: string; text: string }> {
  const { reply, iopub } = await kernel.client.run(code)
  return { status: String(reply.content['status']), text: JSON.stringify(iopub.map(message => message.content)) }
}

test('a profile logs in over TLS, and its topics are made, filled and read', async () => {
  assert.equal((await run('%connect --profile alice --as prod')).status, 'ok')
  assert.equal((await run('%topics create prod:paid --partitions 1')).status, 'ok')
  assert.equal((await run('%%produce prod:paid\n{ "v": 1 }')).status, 'ok')
  const read = await run("await (await topic('prod:paid', { from: 'earliest', to: 'latest' })).toArray()")
  assert.match(read.text, /v: 1/)
  assert.match((await run('%topics prod:')).text, /paid/)
  assert.equal((await run('%connect --profile carol --as other')).status, 'ok')
})

test('a wrong password is one error with the next step', async () => {
  const { status, text } = await run('%connect --profile wrong --as prod2')
  assert.equal(status, 'error')
  assert.match(text, /the user or the password is wrong/)
  assert.match(text, /Check the profile/)
})

test('a missing password is asked for, and not shown', async () => {
  const { client } = kernel
  const id = client.execute('%connect --profile asks --as asked', { allow_stdin: true })
  const question = await client.until(
    (message: Message) => message.header.msg_type === 'input_request' && message.parent.msg_id === id,
  )
  assert.equal(question.content['password'], true)
  client.send('stdin', 'input_reply', { value: passwords.bob, status: 'ok' }, { parent: question.header })
  const reply = await client.reply(id)
  await client.idle(id)
  assert.equal(reply.content['status'], 'ok', JSON.stringify(reply.content))
})

test('what a cell prints, throws, shows or computes holds no password the kernel knows', async () => {
  const profiles = JSON.stringify(logged.profiles)
  const printed = await run(`console.log(require('node:fs').readFileSync(${profiles}, 'utf8'))`)
  assert.match(printed.text, /alice/)
  assert.match(printed.text, /\*\*\*/)
  await run(`throw new Error(require('node:fs').readFileSync(${profiles}, 'utf8'))`)
  await run(`require('node:fs').readFileSync(${profiles}, 'utf8')`)
  await run(`display.html(require('node:fs').readFileSync(${profiles}, 'utf8'))`)
  await run(`const secret = ${JSON.stringify(passwords.alice)}\nsecret`)
  await run(`await from([{ v: 1 }]).map(row => { console.log(secret); return { secret } }).toArray()`)
  await run('from([{ v: 1 }]).map(row => ({ secret }))')
  await run('%streams')
  await run('%history')
  await run('%who')
  await run('throw new Error(secret)')
})

test('a grep of everything the kernel said or wrote finds none', () => {
  const heard = kernel.client.received.map(({ content, metadata, header }) =>
    JSON.stringify([header, metadata, content]),
  )
  const files = [
    logged.log,
    ...filesBelow(logged.history),
    ...filesBelow(kernel.folder).filter(path => path !== kernel.connectionFile),
  ]
  const told = [...heard, ...files.map(path => `${path}: ${readFileSync(path, 'utf8')}`)]
  assert.ok(heard.length > 50)
  // What was typed into a cell is the user's own and comes back from nobody; the kernel repeats even that without it.
  for (const text of told) for (const secret of secrets) assert.ok(!text.includes(secret), text.slice(0, 2000))
})
