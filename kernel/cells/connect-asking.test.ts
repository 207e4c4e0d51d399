import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamError } from '../../stream/errors.ts'
import { resolveSettings } from '../../stream/targets/profiles.ts'
import { connectAsking } from './connect-asking.ts'
import type { ConnectSettings } from '../../stream/targets/runtime.ts'

const env = { XDG_CONFIG_HOME: '/nowhere' }

async function connecting(answers: (string | null)[], settings: ConnectSettings, more: NodeJS.ProcessEnv = {}) {
  const asked: string[] = []
  const tried: ConnectSettings[] = []
  const connect = async (each: ConnectSettings) => {
    tried.push(await resolveSettings('kafka://host:9092', each, { ...env, ...more }))
    return { name: 'embedded', url: 'kafka://host:9092' }
  }
  const ask = async (text: string, options?: { readonly password?: boolean }) => {
    asked.push(options?.password === true ? `${text} hidden` : text)
    return answers.shift() ?? null
  }
  const result = await connectAsking(connect, settings, ask).catch((error: unknown) => error)
  return { asked, tried, result }
}

test('user and password are asked for, the password hidden', async () => {
  const { asked, tried } = await connecting(['alice', 'asked-secret'], { sasl: 'plain' })
  assert.deepEqual(asked, ['User:', 'Password: hidden'])
  assert.deepEqual([tried[0]!.user, tried[0]!.password], ['alice', 'asked-secret'])
  assert.equal(new StreamError({ code: 'INTERNAL', message: 'with asked-secret' }).message, 'with ***')
})

test('a token is asked for, hidden, unless a server gives one', async () => {
  const { asked, tried } = await connecting(['asked-token'], { sasl: 'oauthbearer' })
  assert.deepEqual(asked, ['Token: hidden'])
  assert.equal(tried[0]!.token, 'asked-token')
  assert.equal(new StreamError({ code: 'INTERNAL', message: 'with asked-token' }).message, 'with ***')
  const known = await connecting([], { sasl: 'oauthbearer' }, { RIFFLE_KAFKA_TOKEN: 'known-token' })
  assert.deepEqual(known.asked, [])
})

test('what is known is not asked for', async () => {
  const known = await connecting(['asked-secret'], { sasl: 'plain' }, { RIFFLE_KAFKA_USER: 'bob' })
  assert.deepEqual(known.asked, ['Password: hidden'])
  assert.equal(known.tried[0]!.user, 'bob')
  assert.deepEqual((await connecting([], {})).asked, [])
})

test('without an answer the error says where to put a password', async () => {
  const { result } = await connecting(['alice', null], { sasl: 'scram-sha-256' })
  assert.ok(result instanceof StreamError)
  assert.equal(result.code, 'CREDENTIALS_NEEDED')
  assert.match(result.hint!, /profiles\.json/)
})
