/**
 * A broker as companies run them: TLS, SASL with and without TLS, an authorizer, a user without rights, and a listener whose
 * certificate has expired. The plain listener is the administrator's.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePorts, startKafka } from './kafka-server.ts'
import type { KafkaServer } from './kafka-server.ts'

const run = promisify(execFile)

/** Users of the broker: alice may do everything, bob nothing; carol is alice by PLAIN. */
export const passwords = { alice: 'alice-secret-7Q', bob: 'bob-secret-8R', carol: 'carol-secret-9S' } as const

export interface SecureKafka {
  readonly plain: KafkaServer
  /** Certificate of the authority that signed the broker's. */
  readonly ca: string
  readonly tlsUrl: string
  readonly saslUrl: string
  readonly saslTlsUrl: string
  readonly expiredUrl: string
  stop(): Promise<void>
}

export async function startSecureKafka(): Promise<SecureKafka> {
  const [tls, sasl, saslTls, expired] = await freePorts(4)
  let ca = ''
  const plain = await startKafka({
    users: (['alice', 'bob'] as const).flatMap(name =>
      ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map(each => `${each}=[name=${name},password=${passwords[name]}]`),
    ),
    properties: async (folder, port, controllerPort) => {
      ca = await certificates(folder)
      const external = `SSL://127.0.0.1:${tls},SASL_PLAINTEXT://127.0.0.1:${sasl},SASL_SSL://127.0.0.1:${saslTls},EXPIRED://127.0.0.1:${expired}`
      return [
        `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort},${external}`,
        `advertised.listeners=PLAINTEXT://127.0.0.1:${port},${external}`,
        'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL,EXPIRED:SSL',
        'inter.broker.listener.name=PLAINTEXT',
        'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users=User:ANONYMOUS;User:alice;User:carol',
        'ssl.keystore.type=PEM',
        'ssl.keystore.location=certs/server.pem',
        'ssl.truststore.type=PEM',
        'ssl.truststore.location=certs/ca.crt',
        'listener.name.expired.ssl.keystore.type=PEM',
        'listener.name.expired.ssl.keystore.location=certs/expired.pem',
        'sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER',
        ...['sasl_plaintext', 'sasl_ssl'].flatMap(logins),
      ]
    },
  })
  return {
    plain,
    ca,
    tlsUrl: `kafka://127.0.0.1:${tls}`,
    saslUrl: `kafka://127.0.0.1:${sasl}`,
    saslTlsUrl: `kafka://127.0.0.1:${saslTls}`,
    expiredUrl: `kafka://127.0.0.1:${expired}`,
    stop: () => plain.stop(),
  }
}

function logins(listener: string): string[] {
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required user_carol="${passwords.carol}";`
  // The broker's own check for tests: tokens are not signed, but have to be of a user and not be over.
  const bearer =
    'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";'
  return [
    `listener.name.${listener}.scram-sha-256.sasl.jaas.config=${scram}`,
    `listener.name.${listener}.scram-sha-512.sasl.jaas.config=${scram}`,
    `listener.name.${listener}.plain.sasl.jaas.config=${plain}`,
    `listener.name.${listener}.oauthbearer.sasl.jaas.config=${bearer}`,
  ]
}

/** An authority of our own, a good certificate for localhost, and one that ran out when it was made. */
async function certificates(folder: string): Promise<string> {
  const certs = join(folder, 'certs')
  mkdirSync(certs)
  const openssl = (...args: string[]) => run('openssl', args, { cwd: certs })
  const authority = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign']
  await openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=Riffle test CA', '-keyout', 'ca.key', '-out', 'ca.crt', ...authority) // prettier-ignore
  writeFileSync(
    join(certs, 'names.ext'),
    'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n',
  )
  for (const [name, days] of [
    ['server', '30'],
    ['expired', '0'],
  ] as const) {
    // prettier-ignore
    await openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`) // prettier-ignore
    await openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', days, '-extfile', 'names.ext', '-out', `${name}.crt`) // prettier-ignore
    await run('sh', ['-c', `cat ${name}.key ${name}.crt ca.crt > ${name}.pem`], { cwd: certs })
  }
  return join(certs, 'ca.crt')
}
