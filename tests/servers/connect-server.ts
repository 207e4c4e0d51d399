/** Kafka Connect beside a broker, for tests and for people: one process, its connectors kept in a file, the file connectors on its path. */
import { spawn } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePorts } from './kafka-server.ts'
import { toolJars } from './kafka-tools.ts'

const readyLimitMs = 120_000

export interface ConnectServer {
  /** Its REST interface. */
  readonly url: string
  stop(): Promise<void>
}

/** Resolves when it answers. */
export async function startConnect(
  bootstrap: string,
  options: { readonly port?: number | undefined; readonly converters?: string | undefined } = {},
): Promise<ConnectServer> {
  const { java, libs } = await toolJars()
  const folder = mkdtempSync(join(tmpdir(), 'riffle-connect-'))
  const port = options.port ?? (await freePorts(1))[0]!
  const url = `http://127.0.0.1:${port}`
  const plugins = join(folder, 'plugins', 'file')
  mkdirSync(plugins, { recursive: true })
  for (const jar of readdirSync(libs).filter(name => name.startsWith('connect-file-')))
    copyFileSync(join(libs, jar), join(plugins, jar))
  if (options.converters !== undefined) symlinkSync(options.converters, join(folder, 'plugins', 'converters'))
  const properties = [
    `bootstrap.servers=${bootstrap}`,
    `listeners=${url}`,
    `rest.advertised.host.name=127.0.0.1`,
    'key.converter=org.apache.kafka.connect.storage.StringConverter',
    'value.converter=org.apache.kafka.connect.storage.StringConverter',
    `offset.storage.file.filename=${join(folder, 'offsets')}`,
    'offset.flush.interval.ms=1000',
    `plugin.path=${join(folder, 'plugins')}`,
    'plugin.discovery=hybrid_warn',
    'consumer.metadata.max.age.ms=1000',
  ]
  writeFileSync(join(folder, 'connect.properties'), `${properties.join('\n')}\n`)
  const log = openSync(join(folder, 'connect.log'), 'a')
  const small = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
  const quiet = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']
  const main = 'org.apache.kafka.connect.cli.ConnectStandalone'
  const child = spawn(java, [...small, ...quiet, '-cp', `${libs}/*`, main, 'connect.properties'], {
    cwd: folder,
    stdio: ['ignore', log, log],
  })
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    }
    rmSync(folder, { recursive: true, force: true })
  }
  const answers = async () => {
    try {
      return (await fetch(`${url}/connectors`, { signal: AbortSignal.timeout(2000) })).ok
    } catch {
      return false
    }
  }
  const limitMs = Date.now() + readyLimitMs
  while (!(await answers())) {
    if (child.exitCode !== null || Date.now() > limitMs) {
      const told = readFileSync(join(folder, 'connect.log'), 'utf8').slice(-2000)
      await stop()
      throw new Error(`Kafka Connect did not become ready:\n${told}`)
    }
    await wait(50)
  }
  return { url, stop }
}
