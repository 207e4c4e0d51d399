/** The command `riffle`: JupyterLab with everything in place, install, uninstall, doctor. */
import { writeFileSync } from 'node:fs'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { StreamError } from '../stream/errors.ts'
import { parseDuration } from '../stream/time/duration.ts'
import { describe, examine } from './doctor.ts'
import { exportNotebook } from './headless/export-notebook.ts'
import { runNotebook } from './headless/run-notebook.ts'
import { install, uninstall } from './install.ts'
import { installTarget } from './jupyter-paths.ts'
import { nabReport, scoreFile } from './score-files.ts'
import { runLab, runMain } from './setup/lab.ts'
import { notebooksFolder } from './setup/places.ts'
import { SetupProblem } from './setup/problem.ts'
import { ensureSetup } from './setup/setup.ts'

interface Command {
  readonly usage: string
  readonly summary: string
  readonly options: NonNullable<ParseArgsConfig['options']>
  readonly run: (options: Readonly<Record<string, unknown>>, rest: readonly string[]) => Promise<void>
}

const places = { user: { type: 'boolean' }, 'sys-prefix': { type: 'boolean' }, prefix: { type: 'string' } } as const
const placesUsage = '[--user | --sys-prefix | --prefix FOLDER]'

const commands: Readonly<Record<string, Command>> = {
  lab: {
    usage: 'riffle lab [FOLDER] [--port N] [--no-open]',
    summary: 'JupyterLab with everything in place, on FOLDER or on the lessons',
    options: { port: { type: 'string' }, 'no-open': { type: 'boolean' } },
    run: async (options, [folder]) => {
      await ensureSetup()
      const port = options['port'] === undefined ? undefined : Number(options['port'])
      await runLab({ port, open: !options['no-open'], check: false, root: folder ?? notebooksFolder })
    },
  },
  run: {
    usage: 'riffle run NOTEBOOK.ipynb [--set name=value]… [--for 30s] [--out FILE.ipynb]',
    summary: 'runs a notebook from top to bottom without Jupyter; its streams go on for --for',
    options: { set: { type: 'string', multiple: true }, for: { type: 'string' }, out: { type: 'string' } },
    run: async (options, [notebook]) => {
      await toldInLines(async () => {
        const ran = await runNotebook(named(notebook, 'riffle run NOTEBOOK.ipynb'), {
          set: (options['set'] ?? []) as readonly string[],
          forMs: options['for'] === undefined ? 0 : parseDuration(options['for'] as string, '--for'),
          out: options['out'] as string | undefined,
          stdout: text => void process.stdout.write(text),
          stderr: text => void process.stderr.write(text),
          signal: stopSignal(),
        })
        if (!ran) process.exitCode = 1
      })
    },
  },
  export: {
    usage: 'riffle export NOTEBOOK.ipynb [--out FILE.ts]',
    summary: 'writes a notebook as one plain TypeScript program over the library riffle-kernel',
    options: { out: { type: 'string' } },
    run: async (options, [notebook]) => {
      await toldInLines(async () => {
        const text = exportNotebook(named(notebook, 'riffle export NOTEBOOK.ipynb'))
        if (typeof options['out'] === 'string') writeFileSync(options['out'], text)
        else process.stdout.write(text)
      })
    },
  },
  install: {
    usage: `riffle install ${placesUsage}`,
    summary: 'puts the kernel and the extension into your own Jupyter',
    options: places,
    run: async options => {
      const target = await targetOf(options)
      await ensureSetup({ only: ['bundle', 'extension'] })
      const folders = install(target)
      process.stdout.write(`kernel     ${folders.kernelspec}\nextension  ${folders.labextension}\n`)
    },
  },
  uninstall: {
    usage: `riffle uninstall ${placesUsage}`,
    summary: 'takes them out again',
    options: places,
    run: async options => {
      const folder = await targetOf(options)
      process.stdout.write(uninstall(folder) ? `removed from ${folder}\n` : `nothing was installed in ${folder}\n`)
    },
  },
  doctor: {
    usage: 'riffle doctor',
    summary: 'tells what is missing and what to do',
    options: {},
    run: async () => {
      const { text, healthy } = describe(await examine())
      process.stdout.write(`${text}\n`)
      if (!healthy) process.exitCode = 1
    },
  },
  record: {
    usage:
      'riffle record TOPIC FILE [--connect URL] [--registry URL] [--from earliest] [--to latest] [--time FIELD] [--rows N] [--for 30s]',
    summary: 'records a topic with arrival times, until --to, --rows, --for or Ctrl-C; without --connect a demo topic',
    options: {
      connect: { type: 'string' },
      registry: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      time: { type: 'string' },
      rows: { type: 'string' },
      for: { type: 'string' },
    },
    run: async (options, [topic, file]) => {
      if (topic === undefined || file === undefined)
        throw new SetupProblem('Cannot record without a topic and a file: riffle record TOPIC FILE')
      const { rows, for: length, ...words } = options as Readonly<Record<string, string | undefined>>
      await toldInLines(async () => {
        const { recordFile } = await import('./recording-files.ts')
        const forMs = length === undefined ? undefined : parseDuration(length, '--for')
        const command = { ...words, rows: rows === undefined ? undefined : Number(rows), forMs }
        process.stdout.write(await recordFile(topic, file, command, stopSignal()))
      })
    },
  },
  replay: {
    usage: 'riffle replay FILE [--speed 1x|10x|max] [--loop] [--topic NAME --connect URL]',
    summary: 'replays a recording: a line of JSON a row, or into a topic',
    options: {
      speed: { type: 'string' },
      loop: { type: 'boolean' },
      topic: { type: 'string' },
      connect: { type: 'string' },
    },
    run: async (options, [file]) => {
      if (file === undefined) throw new SetupProblem('Cannot replay without a file: riffle replay FILE')
      await toldInLines(async () => {
        const { replayFile } = await import('./recording-files.ts')
        // Lines of rows are all that stands on stdout.
        console.log = console.error
        // Who reads the lines has enough: `| head`.
        process.stdout.on('error', () => process.exit(0))
        const over = await replayFile(file, options, line => void process.stdout.write(line), stopSignal())
        process.stderr.write(over)
      })
    },
  },
  nab: {
    usage: 'riffle nab --scores FOLDER --labels FILE',
    summary: 'scores a folder of CSV files (timestamp,score) by the rules of the Numenta Anomaly Benchmark',
    options: { scores: { type: 'string' }, labels: { type: 'string' } },
    run: async options => {
      const [scores, labels] = [required(options, 'scores'), required(options, 'labels')]
      process.stdout.write(readable(() => nabReport(scores, labels, notice => process.stderr.write(`${notice}\n`))))
    },
  },
  score: {
    usage:
      'riffle score --detector NAME --in ROWS.jsonl --out SCORES.csv [--time FIELD] [--features a,b] [--warm-up N]',
    summary: 'runs a detector over a file of rows in order, one score per row',
    options: {
      detector: { type: 'string' },
      in: { type: 'string' },
      out: { type: 'string' },
      time: { type: 'string' },
      features: { type: 'string' },
      'warm-up': { type: 'string' },
    },
    run: async options => {
      const [from, to] = [required(options, 'in'), required(options, 'out')]
      const words = options as Readonly<Record<string, string | undefined>>
      const told = readable(() =>
        scoreFile(from, to, {
          detector: words['detector'] ?? 'ensemble',
          time: words['time'],
          features: words['features']?.split(',').map(feature => feature.trim()),
          warmUp: words['warm-up'] === undefined ? undefined : Number(words['warm-up']),
        }),
      )
      process.stdout.write(told)
    },
  },
}

/** What is wrong with a file is told in a line, without a stack. */
function readable(work: () => string): string {
  try {
    return work()
  } catch (error) {
    throw problemOf(error)
  }
}

async function toldInLines(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    throw problemOf(error)
  }
}

function problemOf(error: unknown): unknown {
  if (error instanceof StreamError)
    return new SetupProblem([error.message, error.detail, error.hint].filter(Boolean).join('\n'))
  return error instanceof Error && 'syscall' in error ? new SetupProblem(error.message) : error
}

function named(notebook: string | undefined, usage: string): string {
  if (notebook === undefined) throw new SetupProblem(`Cannot run without a notebook: ${usage}`)
  return notebook
}

/** The first Ctrl-C ends the run and its kernel; a second one this process at once. */
function stopSignal(): AbortSignal {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => (stop.signal.aborted ? process.exit(130) : stop.abort()))
  return stop.signal
}

function required(options: Readonly<Record<string, unknown>>, name: string): string {
  const value = options[name]
  if (typeof value === 'string' && value !== '') return value
  throw new SetupProblem(`Cannot run without --${name}: riffle nab --help and riffle score --help show the usage`)
}

function targetOf(options: Readonly<Record<string, unknown>>): Promise<string> {
  return installTarget({
    user: options['user'] === true,
    sysPrefix: options['sys-prefix'] === true,
    prefix: options['prefix'] as string | undefined,
  })
}

function help(): string {
  const width = Math.max(...Object.keys(commands).map(name => name.length))
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`)
  return [
    'Riffle: streams in your notebook',
    '',
    ...lines,
    '',
    'riffle COMMAND --help tells the options of one',
    '',
  ].join('\n')
}

await runMain(async () => {
  const [name, ...words] = process.argv.slice(2)
  const command = name === undefined ? undefined : commands[name]
  if (name === undefined || name === '--help' || name === 'help') return void process.stdout.write(help())
  if (command === undefined)
    throw new SetupProblem(`Cannot run "${name}": the commands are ${Object.keys(commands).join(', ')}`)
  if (words.includes('--help')) return void process.stdout.write(`${command.usage}\n  ${command.summary}\n`)
  const { values, positionals } = parse(command, words)
  await command.run(values, positionals)
})

function parse(command: Command, words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: command.options,
      allowPositionals: /\[FOLDER\]|NOTEBOOK| FILE /.test(command.usage),
    })
  } catch (error) {
    throw new SetupProblem(`${(error as Error).message.split('.')[0]}; usage: ${command.usage}`)
  }
}
