/** Clients that share no code with the product: Java's own tools and Connect (from Maven Central), and kcat (from Debian). */
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from './cache.ts'
import { ensureJava } from './java.ts'
import { kafkaVersion } from './kafka-server.ts'
import { ensureJars } from './maven.ts'

const run = promisify(execFile)
const packages = ['kcat', 'librdkafka1', 'libyajl2']

/** Runs a program with `input` and gives what it printed. Rejects with its error output when it fails or takes too long. */
export function pipe(
  command: string,
  args: readonly string[],
  options: { readonly input?: string | Buffer; readonly env?: NodeJS.ProcessEnv; readonly limitMs?: number } = {},
): Promise<Buffer> {
  const { input, env, limitMs = 120_000 } = options
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: env ?? process.env, timeout: limitMs })
    const out: Buffer[] = []
    const errors: Buffer[] = []
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes))
    child.stderr.on('data', (bytes: Buffer) => errors.push(bytes))
    child.once('error', reject)
    child.once('close', code => {
      if (code === 0) resolve(Buffer.concat(out))
      else reject(new Error(`${command} ended with ${code}: ${Buffer.concat(errors).toString().slice(-2000)}`))
    })
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}

/** Class path of Java's tools and of Connect. */
export async function toolJars(): Promise<{ readonly java: string; readonly libs: string }> {
  const java = await ensureJava()
  const of = (name: string) => `org.apache.kafka:${name}:${kafkaVersion}`
  const artifacts = [...['kafka-tools', 'connect-runtime', 'connect-json', 'connect-file'].map(of), 'org.slf4j:slf4j-simple:1.7.36'] // prettier-ignore
  return { java, libs: await ensureJars(`kafka-tools-${kafkaVersion}`, artifacts, java) }
}

/** Java's serializers and Connect's converter of Avro by a registry (Apicurio's, of the last release before 3 that Maven Central has whole). */
export async function avroJars(): Promise<string> {
  const version = '2.6.13.Final'
  const artifacts = ['apicurio-registry-serdes-avro-serde', 'apicurio-registry-utils-converter'].map(
    name => `io.apicurio:${name}:${version}`,
  )
  return ensureJars(`avro-tools-${version}`, artifacts, await ensureJava())
}

/** One of Java's tools, by its class (`org.apache.kafka.tools.consumer.ConsoleConsumer`). */
export async function javaTool(
  main: string,
  args: readonly string[],
  options: { readonly input?: string; readonly limitMs?: number; readonly jars?: string } = {},
): Promise<string> {
  const { java, libs } = await toolJars()
  const path = [libs, ...(options.jars === undefined ? [] : [options.jars])].map(folder => `${folder}/*`).join(':')
  const small = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
  const quiet = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=error']
  return (await pipe(java, [...small, ...quiet, '-cp', path, main, ...args], options)).toString()
}

export interface Kcat {
  (args: readonly string[], input?: string | Buffer): Promise<Buffer>
  /** For who starts it otherwise. */
  readonly command: string
  readonly env: NodeJS.ProcessEnv
}

let found: Promise<Kcat> | undefined

/** kcat as it is installed, else from Debian's packages, unpacked into the cache. */
export function ensureKcat(): Promise<Kcat> {
  return (found ??= findKcat())
}

async function findKcat(): Promise<Kcat> {
  const with_ = (command: string, env: NodeJS.ProcessEnv = process.env): Kcat =>
    Object.assign(
      (args: readonly string[], input?: string | Buffer) =>
        pipe(command, args, { env, ...(input === undefined ? {} : { input }) }),
      { command, env },
    )
  try {
    await run('kcat', ['-V'])
    return with_('kcat')
  } catch {
    const folder = cacheFolder('kcat')
    const command = join(folder, 'usr', 'bin', 'kcat')
    if (!existsSync(command)) await unpack(folder)
    const libraries = readdirSync(join(folder, 'usr', 'lib')).map(name => join(folder, 'usr', 'lib', name))
    return with_(command, { ...process.env, LD_LIBRARY_PATH: libraries.join(':') })
  }
}

async function unpack(folder: string): Promise<void> {
  const fresh = `${folder}-${process.pid}`
  mkdirSync(fresh, { recursive: true })
  try {
    await run('apt-get', ['download', ...packages], { cwd: fresh })
    for (const name of readdirSync(fresh).filter(each => each.endsWith('.deb')))
      await run('dpkg', ['-x', name, '.'], { cwd: fresh })
    rmSync(folder, { recursive: true, force: true })
    renameSync(fresh, folder)
  } catch (cause) {
    rmSync(fresh, { recursive: true, force: true })
    throw new Error('Cannot fetch kcat: apt-get install kcat, or a machine with Debian packages', { cause })
  }
}
