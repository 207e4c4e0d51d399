/** The programs we are compared with: what each needs, which cells of `workload.md` it can do, and how many events it gets. */
import { join } from 'node:path'
import { compiledC, compiledJava, npmPackages, pythonWith } from './fetch.ts'

export interface Peer {
  readonly name: string
  /** A stream engine keeps state by key and closes windows by event time. The others are marks: loops by hand, batch programs. */
  readonly streaming: boolean
  /** Beginnings of the cells it has no answer for, or none within minutes. */
  readonly without: readonly string[]
  /** Ordered input only. */
  readonly ordered?: true
  readonly events: number
  /** Repetitions in one process; the first warms up and is not counted. */
  readonly repetitions: number
  /** Turns in an interleaved run. */
  readonly turns: number
  /** Brings what it needs; gives the command that `CELL EVENTS REPETITIONS [FILE]` is put behind. */
  readonly command: () => Promise<Command>
}

export interface Command {
  readonly words: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

const here = import.meta.dirname
const fast = { events: 10_000_000, repetitions: 4, turns: 3 }
const batch = { streaming: false, events: 2_000_000, repetitions: 3, turns: 1 }
const onJvm = { streaming: true, events: 1_000_000, repetitions: 2, turns: 1 }
const slow = { streaming: true, events: 200_000, repetitions: 2, turns: 1 }

export const peers: readonly Peer[] = [
  { name: 'riffle', streaming: true, without: [], ...fast, command: node('riffle.ts') },
  { name: 'js', streaming: false, without: [], ...fast, command: node('js/run.mjs') },
  { name: 'c', streaming: false, without: [], ...fast, command: async () => ({ words: [await compiledC(join(here, 'c/loops.c'))] }) },
  { name: 'js-parse', streaming: false, without: ['W'], ...fast, command: node('js/run.mjs', { JSONPARSE: '1' }) },
  { name: 'js-naive', ...batch, without: ['W1-10M'], command: node('js-naive/run.mjs') },
  { name: 'duckdb', ...batch, without: [], command: python('batch/duck_run.py') },
  { name: 'polars', ...batch, without: ['W4'], command: python('batch/polars_run.py') },
  { name: 'numpy', ...batch, without: ['K'], command: python('batch/np_run.py') },
  { name: 'flink-ds', ...onJvm, without: [], command: java('flink', 'Ds') },
  { name: 'flink-sql', ...onJvm, without: ['K'], command: java('flink', 'Sql') },
  { name: 'jet', ...onJvm, without: ['W2-100k-d', 'W4', 'W5', 'K'], command: java('jet', 'JetRun') },
  { name: 'kstreams', ...slow, without: ['W3', 'W4', 'W5', 'W6', 'W1-10M', 'K', 'W2-100k-d'], command: java('kstreams', 'Ks') },
  { name: 'rxjs', ...slow, ordered: true, without: ['W3', 'W4', 'W5', 'K', 'W1-10M'], command: npm('rx.mjs') },
  { name: 'd2mini', ...slow, ordered: true, without: ['W2', 'W3', 'W5', 'W6', 'K', 'W1-10M'], command: npm('d2.mjs') },
  { name: 'bytewax', ...slow, without: ['W1-100k', 'W2-100k', 'W3-100k', 'W4', 'W5', 'W6', 'W1-10M'], command: python('bytewax/bw.py') },
  { name: 'pathway', ...slow, without: ['W1-10M', 'W3', 'W5', 'K'], command: python('pathway/pw_run.py') },
] // prettier-ignore

export function can(peer: Peer, cell: string): boolean {
  return !peer.without.some(start => cell.startsWith(start)) && !(peer.ordered === true && cell.endsWith('-d'))
}

function node(file: string, env: Readonly<Record<string, string>> = {}): () => Promise<Command> {
  // Compiled at once on the measured thread: under load a compiler that waits for its turn would leave slow code running.
  const flags = ['--expose-gc', '--no-concurrent-recompilation', '--max-old-space-size=8000', '--import', 'tsx']
  return () => Promise.resolve({ words: [process.execPath, ...flags, join(here, file)], env })
}

function npm(file: string): () => Promise<Command> {
  return async () => node(`js-libs/${file}`, { PEER_PACKAGES: await npmPackages('js-libs') })()
}

function python(file: string): () => Promise<Command> {
  return async () => ({
    words: [await pythonWith('engine'), join(here, file)],
    env: { POLARS_MAX_THREADS: '1', PYTHONWARNINGS: 'ignore', PYTHONDONTWRITEBYTECODE: '1' },
  })
}

const sources = {
  flink: ['flink/Ds.java', 'flink/Sql.java'],
  jet: ['jet/JetRun.java'],
  kstreams: ['kstreams/Ks.java'],
} as const

function java(engine: keyof typeof sources, main: string): () => Promise<Command> {
  const opened = ['lang', 'util', 'nio', 'lang.invoke', 'time', 'net', 'io']
  return async () => {
    const files = ['jvm/W.java', ...sources[engine]].map(file => join(here, file))
    const program = await compiledJava(engine, files, engine === 'flink' ? join(here, 'flink/META-INF') : undefined)
    const flags = ['-XX:+UseParallelGC', '-Xms2g', '-Xmx8g', '-cp', program.classpath]
    return {
      words: [program.java, ...opened.map(each => `--add-opens=java.base/java.${each}=ALL-UNNAMED`), ...flags, main],
    }
  }
}
