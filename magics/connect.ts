/** `%connect [URL]`: says where topics live. */
import { further, optionsObject } from './code.ts'
import { defineMagic, type MagicDefinition, type SectionContext } from './define.ts'
import { valueCode } from './values.ts'

export const connect: MagicDefinition = defineMagic({
  name: 'connect',
  kind: 'line',
  summary: 'Says where topics live: built in, or in a Kafka broker; several side by side with --as.',
  positionals: [
    {
      name: 'URL',
      type: 'url',
      required: false,
      suggestions: ['embedded', 'kafka://localhost:9092'],
      summary: 'embedded (the built-in topics) or kafka://host:port; several brokers parted by commas.',
    },
  ],
  options: [
    { name: 'as', type: 'name', summary: 'Name of the connection: its topics are NAME:TOPIC.', example: 'prod' },
    {
      name: 'profile',
      type: 'text',
      summary: 'Profile in ~/.config/riffle/profiles.json with URL, user and password; without URL its own is used.',
      example: 'prod',
    },
    { name: 'tls', type: 'flag', summary: 'Over TLS; the certificate is always verified.' },
    { name: 'ca', type: 'path', summary: 'File with the certificates to trust (PEM); means --tls.', example: 'ca.crt' },
    {
      name: 'sasl',
      type: 'choice',
      choices: ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'],
      summary: 'Logs in; user and password, or the token, come from the profile, the environment, or are asked for.',
    },
    {
      name: 'registry',
      type: 'url',
      summary: "URL of the schema registry; the path of Apicurio's (/apis/ccompat/v7) is found.",
      example: 'http://localhost:8081',
      check: wrongRegistry,
    },
  ],
  examples: [
    {
      text: '%connect kafka://localhost:9092 --registry http://localhost:8081',
      says: 'Its Avro topics are decoded by the schemas of a registry.',
    },
    { text: '%connect kafka://localhost:9092', says: 'From here on topics are those of this broker.' },
    {
      text: '%connect kafka://localhost:9092 --as prod',
      says: 'Its topics are prod:orders and so on; the built-in ones stay.',
    },
    { text: '%connect --profile prod', says: 'A cluster by its profile; no secret stands in the notebook.' },
    { text: '%connect file:recordings', says: 'Recorded topics: any notebook runs on them by this one line.' },
    { text: '%connect embedded', says: 'Back to the built-in topics.' },
  ],
  glossary: 'Flink: CREATE CATALOG · Kafka Streams: bootstrap.servers · Beam: KafkaIO.withBootstrapServers',
  expand: (section, context: SectionContext) => {
    const typed = section.positionals[0]
    if (typed !== undefined && !typed.expression) {
      const wrong = wrongUrl(typed.value)
      if (wrong !== undefined)
        context.fail(`%connect cannot use "${typed.value}": ${wrong}`, typed, '%connect kafka://localhost:9092')
    }
    const fromProfile = section.options.has('profile')
    const url =
      typed === undefined ? [{ code: fromProfile ? "''" : "'embedded'" }] : valueCode(typed, 'url', context.verbatim)
    const settings = optionsObject(section, context, {
      as: 'as',
      registry: 'registry',
      profile: 'profile',
      tls: 'tls',
      ca: 'ca',
      sasl: 'sasl',
    })
    return { pieces: [{ code: `await ${context.api('connect')}(` }, ...url, ...further(settings), { code: ')' }] }
  },
})

function wrongRegistry(url: string): string | undefined {
  if (!/^https?:\/\/[^/]/.test(url))
    return 'it is http://host:port or https://host:port, with a path where there is one'
  return /^https?:\/\/[^/]*@/.test(url) ? 'a user or password does not belong into a notebook' : undefined
}

function wrongUrl(url: string): string | undefined {
  if (url === 'embedded' || url === 'embedded://' || /^file:./.test(url)) return undefined
  const brokers = /^kafka:\/\/([^/?#]+)\/?$/.exec(url)?.[1]
  if (brokers === undefined) return 'it is embedded, kafka://host:port or file:FOLDER of recordings'
  if (brokers.includes('@')) return 'a user or password does not belong into a notebook'
  const wrong = brokers
    .split(',')
    .find(broker => !/^(?:[\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}$/.test(broker) || Number(/\d+$/.exec(broker)?.[0]) > 65535)
  return wrong === undefined ? undefined : `"${wrong}" is not host:port`
}
