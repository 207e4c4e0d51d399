/**
 * What the programs we are compared with need, brought from the registries at their first run and kept outside the repository, shared
 * by all clones. A peer that cannot be had is a `PeerMissing` with one line; the bench prints it and goes on without that peer.
 */
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { runCommand, type CommandOptions } from '../../kernel/setup/command.ts'
import { sharedCacheFolder } from '../../kernel/setup/places.ts'
import { commonProblem, reasonLine } from '../../kernel/setup/problem.ts'
import { findPython } from '../../kernel/setup/python.ts'
import { ensureJars } from '../../tests/servers/maven.ts'
import { ensureJava } from '../../tests/servers/java.ts'

export class PeerMissing extends Error {
  override readonly name = 'PeerMissing'
}

const here = import.meta.dirname

export function peerCache(...parts: string[]): string {
  return join(sharedCacheFolder(), 'bench', ...parts)
}

/** Python of an environment with the packages of `python/NAME.txt`. */
export async function pythonWith(name: string): Promise<string> {
  const list = join(here, 'python', `${name}.txt`)
  const folder = peerCache('python', name)
  const python = join(folder, 'bin/python')
  await once(folder, readFileSync(list), async () => {
    const base = await findPython()
    await must(name, base.path, ['-m', 'venv', folder])
    await must(name, python, ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '-r', list])
  })
  return python
}

/** Folder of the npm packages of `NAME/package.json`: `node_modules` is in it. */
export async function npmPackages(name: string): Promise<string> {
  const folder = peerCache('npm', name)
  const list = join(here, name, 'package.json')
  await once(folder, readFileSync(list), async () => {
    cpSync(list, join(folder, 'package.json'))
    await must(name, 'npm', ['install', '--no-package-lock', '--no-audit', '--no-fund'], { cwd: folder })
  })
  return folder
}

/** The machine's C compiler, for this very processor. */
export async function compiledC(source: string): Promise<string> {
  const program = peerCache('c', 'loops')
  await once(peerCache('c'), readFileSync(source), () =>
    must('c', process.env['CC'] ?? 'cc', ['-O3', '-march=native', '-o', program, source]),
  )
  return program
}

const artifacts = {
  flink: ['streaming-java', 'clients', 'table-api-java-bridge', 'table-planner-loader', 'table-runtime', 'connector-base', 'cep']
    .map(name => `org.apache.flink:flink-${name}:2.3.0`)
    .concat('org.slf4j:slf4j-nop:1.7.36'),
  jet: ['com.hazelcast:hazelcast:5.7.0'],
  kstreams: [
    'org.apache.kafka:kafka-streams:4.3.1',
    'org.apache.kafka:kafka-streams-test-utils:4.3.1',
    'org.slf4j:slf4j-nop:1.7.36',
  ],
} as const // prettier-ignore

export interface JavaProgram {
  readonly java: string
  readonly classpath: string
}

/** Java sources compiled against the jars of an engine. The folder `resources` stands on the class path too. */
export async function compiledJava(
  engine: keyof typeof artifacts,
  sources: readonly string[],
  resources?: string,
): Promise<JavaProgram> {
  const java = await ensureJava()
  const jars = `${await jarsOf(engine, java)}/*`
  const contents = sources.map(file => readFileSync(file, 'utf8')).join('\n')
  const classes = peerCache('java', `${engine}-${createHash('sha256').update(contents).digest('hex').slice(0, 12)}`)
  await once(classes, Buffer.from(contents), async () => {
    await must(engine, java === 'java' ? 'javac' : `${java}c`, ['-nowarn', '-d', classes, '-cp', jars, ...sources])
    if (resources !== undefined) cpSync(resources, join(classes, basename(resources)), { recursive: true })
  })
  return { java, classpath: `${classes}:${jars}` }
}

async function jarsOf(engine: keyof typeof artifacts, java: string): Promise<string> {
  try {
    return await ensureJars(`bench/jars/${engine}`, artifacts[engine], java)
  } catch (error) {
    const text = `${(error as { stdout?: string }).stdout ?? ''}\n${(error as Error).message}`
    throw new PeerMissing(`${engine}: ${commonProblem(engine, text)?.message ?? reasonLine(text)}`)
  }
}

/** Fills `folder` unless it was filled from the same input already. */
async function once(folder: string, input: Uint8Array, fill: () => Promise<void>): Promise<void> {
  const stamp = join(folder, 'filled-from')
  const hash = createHash('sha256').update(input).digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  await fill()
  writeFileSync(stamp, hash)
}

async function must(
  what: string,
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<void> {
  const { status, output } = await runCommand(program, args, { limitMs: 900_000, ...options })
  if (status === 0) return
  const reason = status === 127 ? `no ${program} on this machine` : reasonLine(output)
  throw new PeerMissing(`${what}: ${commonProblem(what, output)?.message ?? reason}`)
}
