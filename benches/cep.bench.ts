/**
 * Event patterns per CPU second, inline through the public API: three workloads of an event a millisecond, keys and values from a
 * hash of the event's number, 1,000 and 1,000,000 keys; Flink's CEP library right after it on the same events. Matches and a
 * checksum over them are checked against each other and against literals, so a fast wrong answer fails.
 *
 * The source makes its rows within the measured time, as the runner of Flink does. And the bytes a partial match takes.
 */
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { runCommand } from '../kernel/setup/command.ts'
import { from } from '../stream/index.ts'
import type { Measurement } from './bench.ts'
import { mix, type Event } from './peers/cep/events.ts'
import { flinkCep } from './peers/cep/flink.ts'
import { outcomeOf, type CepOutcome } from './peers/cep/outcome.ts'

const EVENTS = Number(process.env['CEP_EVENTS'] ?? 2_000_000)

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

/** In a process of its own, as Flink is: what other patterns made of the program's inline caches is not measured with it. */
async function riffle(workload: Workload, keyCount: number): Promise<CepOutcome> {
  const program = join(import.meta.dirname, 'peers/cep/riffle.ts')
  const args = ['--import', 'tsx', program, workload, String(keyCount), String(EVENTS)]
  const outcome = outcomeOf('Riffle', await runCommand(process.execPath, args, { limitMs: 600_000 }))
  const known = OUTCOMES[`${workload}/${keyCount === 1000 ? '1k' : '1M'}`]
  if (EVENTS === 2_000_000) mustEqual(`${workload} with ${keyCount} keys`, outcome, known)
  return outcome
}

function mustEqual(what: string, found: Omit<CepOutcome, 'eventsPerCpuSecond'>, known: typeof found | undefined): void {
  if (found.matches === known?.matches && found.checksum === known.checksum) return
  throw new Error(`${what}: ${found.matches} matches, checksum ${found.checksum}, not ${JSON.stringify(known)}`)
}

/** Partial matches that stay, on prepared rows: what memory grows by beside them, for each. */
async function bytesPerPartialMatch(keyCount: number): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const rows = Array.from({ length: 1_000_000 }, (_, i) => ({ at: i, key: mix(i + 1) % keyCount, value: 0 }))
  const used = (): number => {
    // Buffers are freed beside the program: a second collection waits for the first one's.
    collect()
    collect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  let bytes = Number.NaN
  const before = used()
  function* source(): Generator<Event, void, undefined> {
    yield* rows
    // What was asked for before has been handled when more is asked for.
    for (let i = 0; i < 20_000; i++) yield { at: rows.length + i, key: 0, value: 1 }
    bytes = used() - before
  }
  const steps = { open: (e: Event) => e.value === 0, close: (e: Event) => e.value > 1 }
  const matches = from(source(), { time: 'at', outOfOrder: 0 })
    .keyBy('key')
    .match('open -> close', steps, { within: '1d', maxRuns: 100_000 })
  for await (const match of matches) throw new Error(`a match nobody expects: ${JSON.stringify(match)}`)
  return bytes / rows.length
}

const KEYS = { '1k': 1000, '1M': 1_000_000 } as const

/** Both programs on one workload, one right after the other; kept for the ratio. */
const measured = new Map<string, { readonly ours: CepOutcome; readonly flink: CepOutcome | undefined }>()

async function both(
  workload: Workload,
  keys: keyof typeof KEYS,
): Promise<{ ours: CepOutcome; flink: CepOutcome | undefined }> {
  const name = `${workload}/${keys}`
  const old = measured.get(name)
  if (old !== undefined) return old
  const ours = await riffle(workload, KEYS[keys])
  const flink = await flinkCep(workload, KEYS[keys], EVENTS)
  if (flink !== undefined) mustEqual(`${name}: Riffle and Flink`, ours, flink)
  const result = { ours, flink }
  measured.set(name, result)
  return result
}

const workloads = ['login', 'card', 'abc'] as const

export const measurements: readonly Measurement[] = [
  ...workloads.map<Measurement>(workload => ({
    name: `cep.${workload}-events-per-cpu-s`,
    unit: 'events/s',
    runs: 1,
    measure: async () => {
      const found: Record<string, number> = {}
      for (const keys of ['1k', '1M'] as const) {
        const { ours, flink } = await both(workload, keys)
        found[keys] = ours.eventsPerCpuSecond
        if (flink !== undefined) found[`flink-${keys}`] = flink.eventsPerCpuSecond
      }
      return found
    },
  })),
  ...workloads.map<Measurement>(workload => ({
    name: `cep.${workload}-to-flink-ratio`,
    unit: 'ratio',
    runs: 1,
    measure: async () => {
      const found: Record<string, number> = {}
      for (const keys of ['1k', '1M'] as const) {
        const { ours, flink } = await both(workload, keys)
        if (flink !== undefined) found[keys] = ours.eventsPerCpuSecond / flink.eventsPerCpuSecond
      }
      return found
    },
  })),
  { name: 'cep.bytes-per-partial-match', unit: 'bytes', runs: 1, measure: () => bytesPerPartialMatch(1000) },
  {
    name: 'cep.bytes-per-key-with-a-partial-match',
    unit: 'bytes',
    runs: 1,
    measure: () => bytesPerPartialMatch(1_000_000),
  },
]
