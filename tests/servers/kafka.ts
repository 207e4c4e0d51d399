/**
 * `npm run kafka`: a real broker, a schema registry and Kafka Connect on this machine until Ctrl-C, on their usual ports where these
 * are free, with the line to type in a notebook. `--broker` starts the broker alone.
 */
import net from 'node:net'
import { startConnect } from './connect-server.ts'
import { startKafka } from './kafka-server.ts'
import { startRegistry } from './registry-server.ts'

const say = (text: string) => process.stdout.write(`${text}\n`)
const alone = process.argv.includes('--broker')

/** The port, when nothing listens there. */
function free(port: number): Promise<number | undefined> {
  return new Promise(resolve => {
    const server = net.createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(port)))
  })
}

say('Starting a broker …')
const kafka = await startKafka({ port: await free(9092) })
const started: { stop(): Promise<void> }[] = [kafka]
let registry = ''
if (!alone) {
  say('Starting a schema registry and Kafka Connect …')
  const [schemas, connect] = await Promise.all([
    startRegistry(await free(8081)),
    startConnect(`${kafka.host}:${kafka.port}`, { port: await free(8083) }),
  ])
  started.push(schemas, connect)
  // The path below is found by itself.
  registry = ` --registry http://localhost:${new URL(schemas.url).port}`
  say(`Kafka Connect: ${connect.url}/connectors`)
}
say(`In a notebook:\n\n  %connect kafka://localhost:${kafka.port}${registry} --as mine\n\nCtrl-C ends it.`)

const stop = () => void Promise.all(started.map(each => each.stop())).then(() => process.exit(0))
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
setInterval(() => undefined, 60_000)
