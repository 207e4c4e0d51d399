/** Ours on a pattern workload, inline through the public API: `riffle.ts login|card|abc KEYS EVENTS`. Making the rows is measured too. */
import { from } from '../../../stream/index.ts'
import type { Stream } from '../../../stream/index.ts'
import { events, type Event } from './events.ts'

const CHECKSUM_MODULUS = 1_000_000_007

function matchesOf(
  workload: string | undefined,
  stream: Stream<Event>,
): AsyncIterable<Readonly<Record<string, readonly Event[]>>> {
  const keyed = stream.keyBy('key')
  if (workload === 'login') {
    const steps = { login: (e: Event) => e.value < 100, purchase: (e: Event) => e.value >= 950 }
    return keyed.match('login -> purchase', steps, { within: '10m', skip: 'none' })
  }
  if (workload === 'card') {
    const steps = { small: (e: Event) => e.value < 300, big: (e: Event) => e.value >= 950 }
    return keyed.match('small{3,}, big', steps, { within: '1m', skip: 'past-last' })
  }
  const steps = {
    a: (e: Event) => e.value < 100,
    b: (e: Event) => e.value >= 100 && e.value < 400,
    c: (e: Event) => e.value >= 400 && e.value < 500,
  }
  return keyed.match('a, b*[consecutive], c', steps, { skip: 'past-last' })
}

const [workload, keys, count] = process.argv.slice(2)
const eventCount = Number(count)
const cpu = process.cpuUsage()
let matches = 0
let checksum = 0
const stream = from(events(Number(keys), eventCount), { time: 'at', outOfOrder: 0 })
for await (const match of matchesOf(workload, stream)) {
  matches++
  for (const step in match) {
    for (const event of match[step] as readonly Event[]) checksum += event.at
  }
}
const { user, system } = process.cpuUsage(cpu)
const rate = Math.round(eventCount / ((user + system) / 1e6))
process.stdout.write(`events/cpuSecond=${rate} matches=${matches} checksum=${checksum % CHECKSUM_MODULUS}\n`)
