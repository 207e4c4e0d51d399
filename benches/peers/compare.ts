/**
 * Riffle and its peers on one cell of `workload.md`: one process each, turn by turn, on one core where the machine can pin. Every
 * answer is checked against `expected.json`, which a sort-based program made. The figure is events per second of CPU time, of all
 * threads of the process: other work on the machine hardly moves it.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { median, type Measurement } from '../bench.ts'
import { peerCache } from './fetch.ts'
import { writeNdjson } from './js/gen.mjs'
import { can, peers, type Command, type Peer } from './peers.ts'

const run = promisify(execFile)
const limitMs = 180_000
const mostJsonEvents = 500_000

/** One repetition, as a program prints it behind `RES `. */
interface Result {
  readonly n: number
  readonly cpu: number
  readonly rows: number
  readonly sum: number
}

export type Rates = Readonly<Record<string, number>>

const compared = new Map<string, Promise<Rates>>()
const brought = new Map<string, Promise<Command | undefined>>()

/** Events per CPU second by peer; measured once in a process. */
export function ratesOf(cell: string): Promise<Rates> {
  let rates = compared.get(cell)
  if (rates === undefined) compared.set(cell, (rates = compare(cell)))
  return rates
}

/** The rates of a cell, and how ours stands to the loop by hand and to the fastest stream engine. */
export function comparison(area: string, cell: string): readonly Measurement[] {
  const name = `${area}.${cell.toLowerCase()}`
  return [
    { name: `${name}-events-per-cpu-s`, unit: 'events/s', runs: 1, measure: () => ratesOf(cell) },
    { name: `${name}-ratio`, unit: 'ratio', runs: 1, measure: async () => standing(cell, await ratesOf(cell)) },
  ]
}

function standing(cell: string, rates: Rates): Rates {
  const ours = rates['riffle']!
  const streaming = peers
    .filter(peer => peer.streaming && peer.name !== 'riffle')
    .flatMap(({ name }) => rates[name] ?? [])
  return {
    loop: ours / rates[cell.startsWith('K') ? 'js-parse' : 'js']!,
    ...(rates['js-naive'] === undefined ? {} : { naive: ours / rates['js-naive'] }),
    ...(streaming.length === 0 ? {} : { 'streaming-peer': ours / Math.max(...streaming) }),
  }
}

async function compare(cell: string): Promise<Rates> {
  const wanted = (process.env['RIFFLE_PEERS'] ?? '').split(',').filter(name => name !== '')
  const able = peers.filter(
    peer => can(peer, cell) && (wanted.length === 0 || ['riffle', 'js', 'js-parse', ...wanted].includes(peer.name)),
  )
  const rates = new Map<string, number[]>()
  for (let turn = 0; turn < Math.max(...able.map(peer => peer.turns)); turn++) {
    for (const peer of able) {
      const command = turn < peer.turns ? await commandOf(peer) : undefined
      if (command === undefined) continue
      const rate = await rateOf(peer, command, cell)
      if (rate !== undefined) rates.set(peer.name, [...(rates.get(peer.name) ?? []), rate])
    }
  }
  return Object.fromEntries([...rates].map(([name, each]) => [name, median(each)]))
}

/** Undefined, with one line, when the peer cannot be had. */
function commandOf(peer: Peer): Promise<Command | undefined> {
  let command = brought.get(peer.name)
  if (command === undefined) {
    command = peer.command().catch((error: unknown) => tell(`${peer.name} is left out: ${(error as Error).message}`))
    brought.set(peer.name, command)
  }
  return command
}

/** A wrong answer of ours fails the bench; a peer that gives none in time, or a wrong one, has no figure. */
async function rateOf(peer: Peer, command: Command, cell: string): Promise<number | undefined> {
  const json = cell.startsWith('K')
  const events = json ? Math.min(peer.events, mostJsonEvents) : peer.events
  const args = [cell, String(events), String(peer.repetitions), ...(json ? [await jsonFile(cell, events)] : [])]
  const [program, ...rest] = [...(await pinning()), ...command.words, ...args]
  try {
    const { stdout } = await run(program!, rest, {
      env: { ...process.env, ...command.env },
      timeout: limitMs,
      killSignal: 'SIGKILL',
      maxBuffer: 2 ** 26,
    })
    const results = [...stdout.matchAll(/^RES (.*)$/gm)].map(match => JSON.parse(match[1]!) as Result)
    check(results, cell, events)
    return median(results.slice(1).map(({ n, cpu }) => n / cpu))
  } catch (error) {
    const reason =
      (error as { killed?: boolean }).killed === true ? `no answer in ${limitMs / 1000} s` : firstLine(error)
    if (peer.name === 'riffle' || peer.name === 'js')
      throw new Error(`${peer.name}, ${cell}: ${reason}`, { cause: error })
    return tell(`${peer.name} has no figure for ${cell}: ${reason}`)
  }
}

const expected = JSON.parse(readFileSync(join(import.meta.dirname, 'expected.json'), 'utf8')) as Readonly<
  Record<string, readonly [rows: number, sum: number]>
>

function check(results: readonly Result[], cell: string, events: number): void {
  const wanted = expected[`${cell}:${events}`]
  if (wanted === undefined) throw new Error(`expected.json has no answer for ${events} events`)
  if (results.length < 2) throw new Error('it printed no result')
  for (const { rows, sum } of results) {
    if (rows !== wanted[0] || sum !== wanted[1])
      throw new Error(`${rows} rows with checksum ${sum}, expected ${wanted[0]} with ${wanted[1]}`)
  }
}

async function jsonFile(cell: string, events: number): Promise<string> {
  const file = peerCache(`${cell}-${events}.ndjson`)
  if (existsSync(file)) return file
  mkdirSync(peerCache(), { recursive: true })
  await writeNdjson(file, cell, events)
  return file
}

let pinned: Promise<readonly string[]> | undefined

/** One core, the last: what Linux offers and macOS does not. */
function pinning(): Promise<readonly string[]> {
  const words = ['taskset', '-c', String(availableParallelism() - 1)]
  pinned ??= run(words[0]!, [...words.slice(1), 'true']).then(
    () => words,
    () => [],
  )
  return pinned
}

function tell(text: string): undefined {
  process.stderr.write(`${text}\n`)
}

function firstLine(error: unknown): string {
  const lines = (error as Error).message
    .split('\n')
    .filter(line => line.trim() !== '' && !line.startsWith('Command failed'))
  return lines.find(line => /error|exception/i.test(line)) ?? lines[0] ?? 'it failed'
}
