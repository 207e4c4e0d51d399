/** `npm run kafka`: a real broker on this machine until Ctrl-C, with the line to type in a notebook. */
import { startKafka } from './kafka-server.ts'

const kafka = await startKafka()
process.stdout.write(`Kafka is up. In a notebook: %connect ${kafka.url} --as local\nCtrl-C ends it.\n`)
const stop = () => void kafka.stop().then(() => process.exit(0))
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
setInterval(() => undefined, 60_000)
