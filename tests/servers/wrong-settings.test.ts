/**
 * Ten wrong settings, typed into cells of a real kernel: each is one error that names its cause and the next step, within five
 * seconds; and nothing the kernel said, logged or saved meanwhile holds a password.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { makeKafka } from '../../stream/connectors/kafka-client.ts'
import { filesBelow, secrets, startLogged, wrongPassword } from './logged-kernel.ts'
import { startRegistry } from './registry-server.ts'
import { passwords, startSecureKafka } from './secure-kafka.ts'
import { stopwatch } from './stopwatch.ts'
import type { Message, StartedKernel } from '../protocol/client.ts'
import type { LoggedKernel } from './logged-kernel.ts'
import type { RegistryServer } from './registry-server.ts'
import type { SecureKafka } from './secure-kafka.ts'

const limitMs = 5000

let logged: LoggedKernel
let kafka: SecureKafka
let registry: RegistryServer
let kernel: StartedKernel
let nobodyListens: number

before(async () => {
  ;[kafka, registry, nobodyListens] = await Promise.all([startSecureKafka(), startRegistry(), closedPort()])
  const alice = { url: kafka.saslTlsUrl, sasl: 'scram-sha-512', user: 'alice', ca: kafka.ca }
  logged = await startLogged({
    alice: { ...alice, password: passwords.alice },
    wrong: { ...alice, password: wrongPassword },
    bob: { ...alice, user: 'bob', password: passwords.bob },
  })
  kernel = logged.kernel
  await ok('%connect --profile alice --as prod')
  await ok('%topics create prod:orders --partitions 2')
  await ok('%topics create prod:strange --partitions 1')
  await ok('%%produce prod:orders\n{ "v": 1 }')
  await ok('%connect --profile bob --as bob')
  await ok(`%connect ${kafka.plain.url} --registry ${registry.url} --as reg`)
  await strangeRecord()
})
after(async () => {
  await logged?.stop()
  await Promise.all([kafka?.stop(), registry?.stop()])
})

async function closedPort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

/** Written by a schema that no registry has. */
async function strangeRecord(): Promise<void> {
  const producer = makeKafka({ brokers: [`${kafka.plain.host}:${kafka.plain.port}`], clientId: 'other' }).producer({})
  await producer.connect()
  const messages = [{ key: null, value: Buffer.from([0, 0, 0, 16, 146, 2, 4]), partition: 0 }]
  await producer.sendBatch({ acks: -1, topicMessages: [{ topic: 'strange', messages }] })
  await producer.disconnect()
}

async function ok(code: string): Promise<void> {
  const { reply } = await kernel.client.run(code)
  assert.equal(reply.content['status'], 'ok', JSON.stringify(reply.content))
}

/** The one message of a cell about what went wrong: its error, or what its stream says once it has read. */
async function errorOf(code: string): Promise<string> {
  const { client } = kernel
  const took = stopwatch()
  const { id, reply } = await client.run(code)
  const says = (message: Message) =>
    message.header.msg_type === 'error' ||
    (message.header.msg_type === 'stream' && message.content['name'] === 'stderr')
  const told = await client.until(message => message.parent.msg_id === id && says(message), `what ${code} says`)
  const tookMs = took()
  assert.ok(tookMs < limitMs, `${code} took ${tookMs} ms`)
  assert.equal(reply.content['status'] === 'error', told.header.msg_type === 'error', code)
  assert.equal(client.of(id).filter(says).length, 1, code)
  const { evalue, traceback, text } = told.content as { evalue?: string; traceback?: string[]; text?: string }
  // oxlint-disable-next-line no-control-regex -- colours
  return (text ?? [evalue, ...traceback!].join('\n')).replace(/\u001b\[[\d;]*m/g, '')
}

type Wrong = readonly [what: string, cell: () => string, cause: RegExp, next: RegExp]

const cases: readonly Wrong[] = [
  [
    'a host that is not there',
    () => '%connect kafka://no-such-host.invalid:9092',
    /Cannot connect to "kafka:\/\/no-such-host\.invalid:9092": host "no-such-host\.invalid" is not known/,
    /Check the spelling of the host, or the VPN and DNS/,
  ],
  [
    'a wrong port',
    () => `%connect kafka://127.0.0.1:${nobodyListens}`,
    /nothing listens on port \d+ of host "127\.0\.0\.1"/,
    /Check the port \(9092 is usual\)[^\n]*%connect kafka:\/\/127\.0\.0\.1:9092/,
  ],
  ['TLS to a plain port', () => `%connect ${kafka.plain.url} --tls`, /the port does not speak TLS/, /Leave --tls out/],
  [
    'an expired certificate',
    () => `%connect ${kafka.expiredUrl} --ca ${kafka.ca}`,
    /the certificate of host "127\.0\.0\.1" has expired/,
    /administrator of the cluster has to renew it; check the clock/,
  ],
  [
    'a wrong password',
    () => '%connect --profile wrong --as prod2',
    /as "alice" by scram-sha-512: the user or the password is wrong/,
    /Check the profile/,
  ],
  [
    'a topic that is not there',
    () => '%topic prod:ordres',
    /Cannot \w+ topic "ordres": connection "prod" has no such topic, nearest: orders/,
    /%topic orders/,
  ],
  [
    'a user without rights',
    () => '%topic bob:orders --as theirs',
    /Cannot \w+ topic "orders": user "bob" has no right to it/,
    /administrator of the cluster gives the right, or connect as another user: %connect … --profile NAME/,
  ],
  [
    'a registry that is down',
    () => `%connect ${kafka.plain.url} --registry http://127.0.0.1:${nobodyListens} --as gone`,
    /Cannot reach registry "http:\/\/127\.0\.0\.1:\d+": nothing listens on port \d+/,
    /Check that the registry runs and the URL: %connect … --registry/,
  ],
  [
    'a schema the registry does not have',
    () => '%topic reg:strange',
    /^Stream "strange": a record was left out \(partition 0, offset 0\): schema 4242 is not in the registry at http:/,
    /name the one it was written with, %connect … --registry URL, or --format bytes/,
  ],
  [
    'a reader past the end',
    () => '%topic prod:orders --from offset=0:99 --as beyond',
    /Cannot read topic "orders": offset 99 of partition 0 is beyond its end \d/,
    /%topic orders --from latest/,
  ],
]

for (const [what, cell, cause, next] of cases) {
  test(`${what} is one error with cause and next step`, async () => {
    const text = await errorOf(cell())
    assert.match(text, cause)
    assert.match(text, next)
  })
}

test('what a lambda writes to the log by itself holds no password', async () => {
  await ok(
    `const known = ${JSON.stringify(passwords.alice)}\nawait from([{ v: 1 }]).map(row => { process.stderr.write('from a lambda ' + known); return row }).toArray()`,
  )
  await kernel.client.run('%streams')
  assert.match(readFileSync(logged.log, 'utf8'), /from a lambda \*\*\*/)
})

test('a notebook that fails to log in is saved, and says so, without the password', async () => {
  const { folder } = logged
  const notebook = join(folder, 'wrong.ipynb')
  const out = join(folder, 'out.ipynb')
  const cell = (source: string) => ({ cell_type: 'code', id: `c${source.length}`, metadata: {}, execution_count: null, outputs: [], source }) // prettier-ignore
  const cells = [cell('%connect --profile alice --as prod'), cell('%connect --profile wrong')]
  writeFileSync(notebook, JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells }))
  const riffle = join(import.meta.dirname, '../../kernel/riffle.mjs')
  const ran = await promisify(execFile)(process.execPath, [riffle, 'run', notebook, '--out', out], {
    env: { ...process.env, XDG_CONFIG_HOME: folder },
  }).then(
    ({ stdout, stderr }) => ({ failed: false, said: stdout + stderr }),
    (error: { stdout: string; stderr: string }) => ({ failed: true, said: error.stdout + error.stderr }),
  )
  assert.ok(ran.failed, ran.said)
  assert.match(ran.said + readFileSync(out, 'utf8'), /the user or the password is wrong/)
  for (const secret of secrets) assert.ok(!ran.said.includes(secret), ran.said)
})

test('a grep of every output, log and saved file finds no password', async () => {
  await ok('%export')
  await ok('%history')
  const heard = kernel.client.received.map(({ content, metadata, header }) =>
    JSON.stringify([header, metadata, content]),
  )
  assert.ok(heard.length > 50)
  const { folder, log, profiles } = logged
  const written = [folder, kernel.folder].flatMap(filesBelow).filter(path => path !== profiles)
  assert.ok(
    [log, join(folder, 'out.ipynb')].every(path => written.includes(path)),
    written.join(),
  )
  for (const text of [...heard, ...written.map(path => `${path}: ${readFileSync(path, 'utf8')}`)])
    for (const secret of secrets) assert.ok(!text.includes(secret), text.slice(0, 2000))
})
