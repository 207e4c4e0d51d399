/**
 * A real Kafka broker for tests and for people: fetched once, started on free ports in a folder of its own, stopped by its pid.
 *
 *   const kafka = await startKafka()
 *   … kafka.url …
 *   await kafka.stop()
 *
 * The class data archive halves the start; a broker that finds none writes it when it is stopped.
 */
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { setTimeout as wait } from 'node:timers/promises'
import { cacheFolder } from './cache.ts'
import { ensureJava } from './java.ts'
import { ensureJars } from './maven.ts'
import { ready } from './kafka-protocol.ts'
import type { ChildProcess } from 'node:child_process'

const run = promisify(execFile)
export const kafkaVersion = '4.3.1'
const artifacts = [`org.apache.kafka:kafka_2.13:${kafkaVersion}`, 'org.slf4j:slf4j-simple:1.7.36']
const readyLimitMs = 120_000

export interface KafkaServer {
  readonly host: string
  readonly port: number
  readonly controllerPort: number
  /** `kafka://127.0.0.1:PORT`. */
  readonly url: string
  /** Ends the broker at once, as a crash would; `restart` brings the same log back on the same port. */
  kill(): Promise<void>
  /** Ends it in order: leaders of its partitions are found before it goes. */
  shutDown(): Promise<void>
  restart(): Promise<void>
  /** The broker says nothing any more, and holds its connections; `wake` lets it go on. */
  freeze(): void
  wake(): void
  /** Ends the broker and removes its folder. Idempotent. */
  stop(): Promise<void>
}

export interface KafkaOptions {
  /** Absent: one that is free. */
  readonly port?: number | undefined
  /** Further lines for server.properties; `folder` is where the broker runs. */
  readonly properties?:
    ((folder: string, port: number, controllerPort: number) => Promise<readonly string[]>) | undefined
  /** `SCRAM-SHA-512=[name=alice,password=…]`: users that exist from the start. */
  readonly users?: readonly string[] | undefined
  /** Becomes broker 2 of that one's cluster; the first one stays its controller. */
  readonly joins?: KafkaServer | undefined
}

/** Fetches what is missing, formats a new log, starts, and resolves when the broker answers for its topics. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  const java = await ensureJava()
  const libs = await ensureJars(`kafka-${kafkaVersion}`, artifacts, java)
  const folder = mkdtempSync(join(tmpdir(), 'riffle-kafka-'))
  const [some, other] = await freePorts(2)
  const port = options.port ?? some
  const { joins } = options
  const controllerPort = joins?.controllerPort ?? other
  writeFileSync(
    join(folder, 'server.properties'),
    properties(port!, controllerPort!, [
      ...(joins === undefined ? [] : asSecond(port!)),
      ...((await options.properties?.(folder, port!, controllerPort!)) ?? []),
    ]),
  )
  const small = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', `${libs}/*`]
  await run(
    java,
    [
      '-Xmx128m',
      ...small,
      'kafka.tools.StorageTool',
      'format',
      '-t',
      'RiffleTestCluster00000Q',
      '-c',
      'server.properties',
      joins === undefined ? '--standalone' : '--no-initial-controllers',
      ...(options.users ?? []).flatMap(user => ['--add-scram', user]),
    ],
    { cwd: folder },
  )
  const archive = join(cacheFolder(`kafka-${kafkaVersion}`), 'kafka.jsa')
  let child: ChildProcess | undefined
  const launch = async () => {
    const log = openSync(join(folder, 'broker.log'), 'a')
    const cds = existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`] : [`-XX:ArchiveClassesAtExit=${archive}`]
    const quiet = ['-Djava.awt.headless=true', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']
    const started = spawn(java, ['-Xmx256m', ...cds, ...quiet, ...small, 'kafka.Kafka', 'server.properties'], {
      cwd: folder,
      stdio: ['ignore', log, log],
    })
    child = started
    const limitMs = Date.now() + readyLimitMs
    while (!(await ready('127.0.0.1', port!))) {
      if (started.exitCode !== null || Date.now() > limitMs) {
        started.kill('SIGKILL')
        throw new Error(`Kafka did not become ready:\n${readFileSync(join(folder, 'broker.log'), 'utf8').slice(-2000)}`)
      }
      await wait(25)
    }
  }
  const end = async (signal: NodeJS.Signals) => {
    const ending = child
    child = undefined
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return
    const ended = new Promise(resolve => ending.once('exit', resolve))
    ending.kill(signal)
    await ended
  }
  try {
    await launch()
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
  return {
    host: '127.0.0.1',
    port: port!,
    controllerPort: controllerPort!,
    url: `kafka://127.0.0.1:${port}`,
    kill: () => end('SIGKILL'),
    shutDown: () => end('SIGTERM'),
    freeze: () => void child?.kill('SIGSTOP'),
    wake: () => void child?.kill('SIGCONT'),
    restart: async () => {
      await end('SIGTERM')
      await launch()
    },
    stop: async () => {
      await end('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function properties(port: number, controllerPort: number, more: readonly string[]): string {
  return [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.bootstrap.servers=127.0.0.1:${controllerPort}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL',
    'controller.listener.names=CONTROLLER',
    'inter.broker.listener.name=PLAINTEXT',
    'log.dirs=data',
    'offsets.topic.replication.factor=1',
    'offsets.topic.num.partitions=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'transaction.state.log.num.partitions=1',
    'share.coordinator.state.topic.replication.factor=1',
    'share.coordinator.state.topic.min.isr=1',
    'group.initial.rebalance.delay.ms=0',
    // A killed broker may come back as soon as it has started, not when its old session has run out.
    'broker.session.timeout.ms=3000',
    'broker.heartbeat.interval.ms=500',
    'auto.create.topics.enable=false',
    'num.partitions=1',
    // Records of tests claim any time, 1970 too: half a minute after its start a broker would delete what is older than a week.
    'log.retention.ms=-1',
    'num.network.threads=2',
    'num.io.threads=2',
    'background.threads=2',
    'log.cleaner.dedupe.buffer.size=4194304',
    ...more,
    '',
  ].join('\n')
}

/** Lines that take the place of the first one's: of two with the same name the last holds. */
const asSecond = (port: number) => ['process.roles=broker', 'node.id=2', `listeners=PLAINTEXT://127.0.0.1:${port}`]

/**
 * Ports nobody listens on, below the range from which the system gives ports to outgoing connections: such a one may be taken in
 * the second the broker needs to start.
 */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>()
  while (found.size < count) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (!found.has(port) && (await free(port))) found.add(port)
  }
  return [...found]
}

function free(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = net.createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
