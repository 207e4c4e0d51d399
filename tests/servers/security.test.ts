/** Connections over TLS and with logins, and what each wrong setting says: one message, in time, with the next step, no secret. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { StreamError } from '../../stream/errors.ts'
import { openTopics } from '../../stream/targets/open-topics.ts'
import { wallClock } from '../../stream/time/clock.ts'
import { collect } from './connector-contract.ts'
import { passwords, startSecureKafka } from './secure-kafka.ts'
import { stopwatch } from './stopwatch.ts'
import type { ConnectSettings } from '../../stream/targets/runtime.ts'
import type { SecureKafka } from './secure-kafka.ts'

let server: Promise<SecureKafka> | undefined
const secure = () => (server ??= startSecureKafka())
const home = mkdtempSync(join(tmpdir(), 'riffle-profiles-'))
const profiles = join(home, 'riffle', 'profiles.json')

before(async () => {
  process.env['XDG_CONFIG_HOME'] = home
  mkdirSync(join(home, 'riffle'))
  const { ca } = await secure()
  const alice = { user: 'alice', password: passwords.alice }
  writeFileSync(
    profiles,
    JSON.stringify({
      whole: { url: (await secure()).saslTlsUrl, ca, sasl: 'scram-sha-512', ...alice },
      alice,
      bob: { user: 'bob', password: passwords.bob },
      carol: { user: 'carol', password: passwords.carol },
      wrong: { user: 'alice', password: 'not-the-password-1X' },
    }),
    { mode: 0o600 },
  )
})
after(async () => {
  await (await server)?.stop()
  rmSync(home, { recursive: true, force: true })
})

const open = (url: string, settings: ConnectSettings = {}) => openTopics(url, settings, { as: 'x', clock: wallClock })

async function roundTrip(url: string, settings: ConnectSettings): Promise<void> {
  const connection = await open(url, settings)
  const topic = `secure-${Math.random().toString(36).slice(2)}`
  await connection.create(topic, { partitions: 1 })
  await connection.produce(topic, [{ key: null, value: new TextEncoder().encode('v1') }])
  assert.deepEqual((await collect(await connection.read(topic, { from: 'earliest', to: 'latest' }))).values, ['v1'])
  await connection.delete(topic)
  await connection.close()
}

test('TLS with an authority of its own is written and read', async () => {
  await roundTrip((await secure()).tlsUrl, { tls: true, ca: (await secure()).ca }).catch((error: unknown) => {
    // Without a login the TLS listener knows nobody, and nobody is not the administrator there.
    assert.fail(String(error))
  })
})

for (const sasl of ['scram-sha-256', 'scram-sha-512'] as const) {
  test(`${sasl} logs in by a profile`, async () => {
    await roundTrip((await secure()).saslUrl, { sasl, profile: 'alice' })
  })
}

test('PLAIN logs in over TLS', async () => {
  const { saslTlsUrl, ca } = await secure()
  await roundTrip(saslTlsUrl, { sasl: 'plain', profile: 'carol', ca })
})

/** Of a user, over at an instant: not signed, as the broker of this test takes them. */
const bearer = (sub: string, overMs: number) => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ sub, iat: Date.now() / 1000 - 60, exp: overMs / 1000 })}.`
}

test('a token logs in, of the profile or of a server that gives it for id and secret', async () => {
  const { saslUrl, saslTlsUrl, ca } = await secure()
  const token = bearer('alice', Date.now() + 3_600_000)
  await roundTrip(saslUrl, { sasl: 'oauthbearer', token })

  const asked: string[] = []
  const issuer = http.createServer((request, response) => {
    request.setEncoding('utf8')
    let body = ''
    request.on('data', (text: string) => (body += text))
    request.on('end', () => {
      const right = request.headers.authorization === `Basic ${btoa('client:client-secret-3Z')}`
      asked.push(body)
      response.statusCode = right ? 200 : 401
      response.end(right ? JSON.stringify({ access_token: token, expires_in: 3600 }) : '{}')
    })
  })
  await new Promise<void>(resolve => issuer.listen(0, '127.0.0.1', resolve))
  const tokenUrl = `http://127.0.0.1:${(issuer.address() as net.AddressInfo).port}/token`
  const client = { sasl: 'oauthbearer', tokenUrl, scope: 'kafka', user: 'client', password: 'client-secret-3Z' }
  const wrong = { ...client, password: 'wrong-secret-4Y' }
  const plain = { ...client, tokenUrl: 'http://tokens.example/token' }
  const kept = JSON.parse(readFileSync(profiles, 'utf8')) as object
  writeFileSync(profiles, JSON.stringify({ ...kept, client, wrongClient: wrong, plainClient: plain }), { mode: 0o600 })
  try {
    await roundTrip(saslTlsUrl, { profile: 'client', ca })
    assert.ok(asked.length > 0 && asked.every(body => body === 'grant_type=client_credentials&scope=kafka'), asked[0])
    const error = await told(() => open(saslUrl, { profile: 'wrongClient' }))
    assert.deepEqual([error.code, error.message], ['KAFKA_AUTHENTICATION', `Cannot get a token from "${tokenUrl}": it answers 401`]) // prettier-ignore
    assert.match((await told(() => open(saslUrl, { profile: 'plainClient' }))).message, /in plain text$/)
  } finally {
    issuer.close()
    writeFileSync(profiles, JSON.stringify(kept), { mode: 0o600 })
  }
})

test('a token that is over is told', async () => {
  const { saslUrl } = await secure()
  const token = bearer('alice', Date.now() - 30_000)
  const error = await told(() => open(saslUrl, { sasl: 'oauthbearer', token }))
  assert.equal(error.code, 'KAFKA_AUTHENTICATION')
  assert.equal(error.message, `Cannot log in to "${saslUrl}" by oauthbearer: the broker does not take the token`)
  assert.equal((await told(() => open(saslUrl, { sasl: 'oauthbearer' }))).code, 'CREDENTIALS_NEEDED')
})

test('a profile may say everything', async () => {
  await roundTrip('', { profile: 'whole' })
})

test('user and password come from the environment', async () => {
  process.env['RIFFLE_KAFKA_USER'] = 'alice'
  process.env['RIFFLE_KAFKA_PASSWORD'] = passwords.alice
  try {
    await roundTrip((await secure()).saslUrl, { sasl: 'scram-sha-256' })
  } finally {
    delete process.env['RIFFLE_KAFKA_USER']
    delete process.env['RIFFLE_KAFKA_PASSWORD']
  }
})

async function told(action: () => Promise<unknown>): Promise<StreamError> {
  const took = stopwatch()
  try {
    await action()
  } catch (error) {
    assert.ok(error instanceof StreamError, String(error))
    const tookMs = took()
    assert.ok(tookMs < 5000, `took ${tookMs} ms`)
    const text = JSON.stringify(error) + error.stack
    for (const secret of [...Object.values(passwords), 'not-the-password-1X']) assert.ok(!text.includes(secret), text)
    assert.ok((error.hint ?? '') !== '')
    return error
  }
  return assert.fail('it worked')
}

test('a certificate that nobody trusts asks for --ca', async () => {
  const { tlsUrl } = await secure()
  const error = await told(() => open(tlsUrl, { tls: true }))
  assert.match(error.message, /nobody this machine trusts has signed the certificate of host "127\.0\.0\.1"/)
  assert.match(error.hint!, /--ca FILE/)
})

test('an expired certificate is named', async () => {
  const { expiredUrl, ca } = await secure()
  assert.match(
    (await told(() => open(expiredUrl, { ca }))).message,
    /the certificate of host "127\.0\.0\.1" has expired/,
  )
})

test('TLS to a plain port, and plain to a TLS port, name the option', async () => {
  const { plain, tlsUrl } = await secure()
  const over = await told(() => open(plain.url, { tls: true }))
  assert.match(over.message, /the port does not speak TLS/)
  assert.match(over.hint!, /Leave --tls out/)
  const under = await told(() => open(tlsUrl))
  assert.match(under.message, /the port wants TLS/)
  assert.match(under.hint!, /--tls/)
})

test('a listener with logins asks for --sasl, and a login for a password', async () => {
  const { saslUrl } = await secure()
  const without = await told(() => open(saslUrl))
  assert.equal(without.code, 'KAFKA_AUTHENTICATION')
  assert.match(without.hint!, /--sasl scram-sha-512/)
  assert.equal((await told(() => open(saslUrl, { sasl: 'plain' }))).code, 'CREDENTIALS_NEEDED')
})

test('a wrong password is told, and never shown', async () => {
  const { saslUrl } = await secure()
  const error = await told(() => open(saslUrl, { sasl: 'scram-sha-512', profile: 'wrong' }))
  assert.equal(error.code, 'KAFKA_AUTHENTICATION')
  assert.match(error.message, /as "alice" by scram-sha-512: the user or the password is wrong$/)
})

test('a user without rights is told of each thing that is not allowed', async () => {
  const { saslUrl, plain } = await secure()
  const administrator = await open(plain.url)
  await administrator.create('closed', { partitions: 1 })
  const bob = await open(saslUrl, { sasl: 'scram-sha-256', profile: 'bob' })
  for (const action of [
    () => bob.create('mine', { partitions: 1 }),
    () => bob.read('closed', { from: 'earliest' }),
    () => bob.produce('closed', [{ key: null, value: new Uint8Array([1]) }]),
  ]) {
    const error = await told(action)
    assert.ok(['TOPIC_UNKNOWN', 'KAFKA_REFUSED'].includes(error.code), error.code)
  }
  await bob.close()
  await administrator.close()
})

test('a registry that is down, and one that is none, are told apart', async () => {
  const { plain } = await secure()
  const down = net.createServer()
  await new Promise<void>(resolve => down.listen(0, '127.0.0.1', resolve))
  const { port } = down.address() as net.AddressInfo
  await new Promise(resolve => down.close(resolve))
  const gone = await told(() => open(plain.url, { registry: `http://127.0.0.1:${port}` }))
  assert.equal(gone.code, 'REGISTRY_UNREACHABLE')
  assert.match(gone.message, new RegExp(`nothing listens on port ${port}`))
  const kafka = await told(() => open(plain.url, { registry: plain.url.replace('kafka', 'http') }))
  assert.equal(kafka.code, 'REGISTRY_UNREACHABLE')
})

test('a topic that is not there and a position past the end are told', async () => {
  const { plain } = await secure()
  const connection = await open(plain.url)
  await connection.create('short', { partitions: 1 })
  assert.equal((await told(() => connection.read('shrt', { from: 'earliest' }))).code, 'TOPIC_UNKNOWN')
  assert.equal((await told(() => connection.read('short', { from: 'offset=0:99' }))).code, 'POSITION_INVALID')
  await connection.close()
})

test('a profile that others may read is refused', async () => {
  const { saslUrl } = await secure()
  chmodSync(profiles, 0o644)
  const error = await told(() => open(saslUrl, { sasl: 'plain', profile: 'alice' }))
  chmodSync(profiles, 0o600)
  assert.match(error.message, /others than you may read/)
  assert.match(error.hint!, /^chmod 600/)
  assert.match(
    (await told(() => open(saslUrl, { profile: 'nope' }))).message,
    /has no profile "nope", it has whole, alice/,
  )
})

test('no text of an error ever holds a secret', async () => {
  const { saslUrl } = await secure()
  await told(() => open(saslUrl, { sasl: 'plain', profile: 'wrong' }))
  assert.equal(new StreamError({ code: 'INTERNAL', message: 'tried not-the-password-1X' }).message, 'tried ***')
})
