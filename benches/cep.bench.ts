/**
 * Event patterns per CPU second, inline through the public API: three workloads of an event a millisecond, keys and values from a
 * hash of the event's number, 1,000 and 1,000,000 keys. Matches and a checksum over them are checked, so a fast wrong answer
 * fails.
 *
 * The source makes its rows within the measured time, as the runner of the engine it is compared with does.
 */
import { from } from '../stream/index.ts'
import type { Stream } from '../stream/index.ts'
import type { Measurement } from './bench.ts'

interface Event {
  readonly at: number
  readonly key: number
  readonly value: number
}

const EVENTS = Number(process.env['CEP_EVENTS'] ?? 2_000_000)
const CHECKSUM_MODULUS = 1_000_000_007

/** Matches and checksum of 2,000,000 events, as the engine it is compared with and a naive matcher found them. */
const OUTCOMES: Readonly<Record<string, { readonly matches: number; readonly checksum: number }>> = {
  'login/1k': { matches: 198_432, checksum: 455_804_594 },
  'card/1k': { matches: 27_127, checksum: 723_618_517 },
  'abc/1k': { matches: 28_653, checksum: 13_955_474 },
  'login/1M': { matches: 5_082, checksum: 18_315_701 },
  'card/1M': { matches: 0, checksum: 0 },
  'abc/1M': { matches: 13_185, checksum: 315_708_869 },
}

type Workload = 'login' | 'card' | 'abc'

function matchesOf(
  workload: Workload,
  events: Stream<Event>,
): AsyncIterable<Readonly<Record<string, readonly Event[]>>> {
  const keyed = events.keyBy('key')
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

async function run(workload: Workload, keyCount: number): Promise<number> {
  const cpu = process.cpuUsage()
  let count = 0
  let checksum = 0
  for await (const match of matchesOf(workload, from(events(keyCount), { time: 'at', outOfOrder: 0 }))) {
    count++
    for (const step in match) {
      for (const event of match[step] as readonly Event[]) checksum += event.at
    }
  }
  const { user, system } = process.cpuUsage(cpu)
  const outcome = OUTCOMES[`${workload}/${keyCount === 1000 ? '1k' : '1M'}`]
  if (EVENTS === 2_000_000 && (count !== outcome?.matches || checksum % CHECKSUM_MODULUS !== outcome.checksum))
    throw new Error(`${workload} with ${keyCount} keys: ${count} matches, checksum ${checksum % CHECKSUM_MODULUS}`)
  return EVENTS / ((user + system) / 1e6)
}

function* events(keyCount: number): Generator<Event, void, undefined> {
  for (let i = 0; i < EVENTS; i++) yield { at: i, key: mix(i + 1) % keyCount, value: mix(i + 0x9e3779b9) % 1000 }
}

/** Finalizer of MurmurHash3. */
function mix(x: number): number {
  let h = x | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

export const measurements: readonly Measurement[] = (['login', 'card', 'abc'] as const).map(workload => ({
  name: `cep.${workload}-events-per-cpu-s`,
  unit: 'events/s',
  runs: 1,
  measure: async () => ({ '1k': await run(workload, 1000), '1M': await run(workload, 1_000_000) }),
}))
