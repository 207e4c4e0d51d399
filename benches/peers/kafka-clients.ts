/** Other clients reading a whole topic, as their documentation shows it: kafkajs, @platformatic/kafka, and kcat in a process of its own. */
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { npmPackages } from './fetch.ts'
import { ensureKcat } from '../../tests/servers/kafka-tools.ts'

export interface KafkaTopic {
  readonly host: string
  readonly port: number
  readonly topic: string
  readonly count: number
}

/** Sees the value of each record; clients in this process only. */
export type OnValue = (value: Buffer) => void

/** Reads the topic once and gives the seconds of processor time it took, the broker's not counted. */
export type ReadTopic = (topic: KafkaTopic, onValue: OnValue) => Promise<number>

let groups = 0
const group = () => `bench-${process.pid}-${groups++}`

/** User and system time of this process. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

export async function inProcess(read: () => Promise<void>): Promise<number> {
  const began = cpuSeconds()
  await read()
  return cpuSeconds() - began
}

export const readByKafkajs: ReadTopic = ({ host, port, topic, count }, onValue) =>
  inProcess(async () => {
    const kafka = new Kafka({ brokers: [`${host}:${port}`], logLevel: logLevel.NOTHING })
    const consumer = kafka.consumer({ groupId: group() })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    let seen = 0
    await new Promise<void>((resolve, reject) => {
      consumer
        .run({
          eachBatch: async ({ batch }) => {
            for (const { value } of batch.messages) onValue(value!)
            seen += batch.messages.length
            if (seen >= count) resolve()
          },
        })
        .catch(reject)
    })
    await consumer.disconnect()
  })

/** What is used of the package; it is fetched for the bench and no dependency of the repository. */
interface Platformatic {
  readonly Consumer: new (options: object) => {
    consume(options: object): Promise<AsyncIterable<{ readonly value: Buffer }>>
    close(force: boolean): Promise<void>
  }
}

/** The package, brought at the first run. Throws PeerMissing. */
export async function platformatic(): Promise<Platformatic> {
  const load = createRequire(join(await npmPackages('kafka'), 'package.json'))
  return (await import(load.resolve('@platformatic/kafka'))) as Platformatic
}

export const readByPlatformatic: ReadTopic = async ({ host, port, topic, count }, onValue) => {
  const { Consumer } = await platformatic()
  return inProcess(async () => {
    const consumer = new Consumer({ groupId: group(), clientId: 'bench', bootstrapBrokers: [`${host}:${port}`] })
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: true })
    let seen = 0
    for await (const { value } of stream) {
      onValue(value)
      if (++seen >= count) break
    }
    await consumer.close(true)
  })
}

/** Writes the values to nowhere; the shell tells the time of its child. */
export const readByKcat: ReadTopic = async ({ host, port, topic, count }) => {
  const { command, env } = await ensureKcat()
  const read = `"${command}" -C -q -e -b ${host}:${port} -t ${topic} -o beginning -c ${count} > /dev/null && times`
  const child = spawn('sh', ['-c', read], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let told = ''
  child.stdout.on('data', (bytes: Buffer) => (told += bytes.toString()))
  await new Promise<void>((resolve, reject) =>
    child.once('close', code => (code === 0 ? resolve() : reject(new Error(`kcat ended with ${code}`)))),
  )
  // The second line is of the children: `0m0.120000s 0m0.040000s`.
  const times = [...(told.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)]
  if (times.length !== 2) throw new Error(`no times in ${JSON.stringify(told)}`)
  return times.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0)
}
