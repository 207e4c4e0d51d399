/**
 * Jars from Maven Central with their dependencies. Without `mvn` Maven itself comes from Maven Central first; a mirror named in
 * the user's or the machine's settings.xml is honoured both times.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from './cache.ts'

const run = promisify(execFile)
const machineSettingsPath = '/etc/maven/settings.xml'
const mavenVersion = '3.9.11'

/** Copies the runtime closure of `artifacts` (`group:name:version`) into a folder of the cache and gives the folder. */
export async function ensureJars(name: string, artifacts: readonly string[], java: string): Promise<string> {
  const folder = cacheFolder(name)
  const libs = join(folder, 'libs')
  const marker = join(folder, 'artifacts.txt')
  const wanted = artifacts.join('\n')
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return libs
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'pom.xml'), pom(artifacts))
  const fresh = join(folder, `libs-${process.pid}`)
  rmSync(fresh, { recursive: true, force: true })
  const goal = ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${fresh}`]
  const maven = await ensureMaven()
  await run(maven, [...machineSettings(maven), ...goal], { cwd: folder, timeout: 600_000, env: mavenEnvironment(java) })
  rmSync(libs, { recursive: true, force: true })
  renameSync(fresh, libs)
  writeFileSync(marker, wanted)
  return libs
}

/** Fetches one archive (`group:name:version:tar.gz:classifier`) and unpacks it into a folder of the cache, which it gives. */
export async function ensureArchive(name: string, artifact: string, java: string): Promise<string> {
  const folder = cacheFolder(name)
  const app = join(folder, 'app')
  const marker = join(folder, 'artifact.txt')
  if (existsSync(marker) && readFileSync(marker, 'utf8') === artifact) return app
  const fresh = join(folder, `download-${process.pid}`)
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(join(fresh, 'app'), { recursive: true })
  const goal = ['-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${fresh}`]
  const maven = await ensureMaven()
  await run(maven, [...machineSettings(maven), ...goal], { cwd: fresh, timeout: 600_000, env: mavenEnvironment(java) })
  const archive = readdirSync(fresh).find(each => each.endsWith('.tar.gz'))
  if (archive === undefined) throw new Error(`Cannot fetch ${artifact}: Maven copied no archive`)
  await run('tar', ['-xzf', join(fresh, archive), '-C', join(fresh, 'app')])
  rmSync(app, { recursive: true, force: true })
  renameSync(join(fresh, 'app'), app)
  rmSync(fresh, { recursive: true, force: true })
  writeFileSync(marker, artifact)
  return app
}

async function ensureMaven(): Promise<string> {
  try {
    await run('mvn', ['-v'])
    return 'mvn'
  } catch {
    const folder = cacheFolder('maven')
    const command = join(folder, `apache-maven-${mavenVersion}`, 'bin', 'mvn')
    if (existsSync(command)) return command
    mkdirSync(folder, { recursive: true })
    const path = `org/apache/maven/apache-maven/${mavenVersion}/apache-maven-${mavenVersion}-bin.tar.gz`
    const archive = join(folder, 'maven.tar.gz')
    const answer = await fetch(`${centralUrl()}/${path}`, { signal: AbortSignal.timeout(120_000) })
    if (!answer.ok) throw new Error(`Cannot fetch Maven ${mavenVersion}: HTTP ${answer.status}`)
    writeFileSync(archive, new Uint8Array(await answer.arrayBuffer()))
    await run('tar', ['-xzf', archive, '-C', folder])
    return command
  }
}

/** Maven Central, or the mirror of it that settings.xml names. */
export function centralUrl(): string {
  for (const path of [join(homedir(), '.m2', 'settings.xml'), machineSettingsPath]) {
    if (!existsSync(path)) continue
    const text = readFileSync(path, 'utf8').replace(/<!--[^]*?-->/g, '')
    for (const [, mirror] of text.matchAll(/<mirror>([^]*?)<\/mirror>/g)) {
      const of = /<mirrorOf>([^<]*)<\/mirrorOf>/.exec(mirror!)?.[1] ?? ''
      const url = /<url>([^<]*)<\/url>/.exec(mirror!)?.[1]
      if (url !== undefined && /(^|,)\s*(central|\*|external:\*)\s*(,|$)/.test(of)) return url.trim().replace(/\/$/, '')
    }
  }
  return 'https://repo.maven.apache.org/maven2'
}

/** Certificates of the machine's own Java, if it has one: a site's own authority is in there. */
const machineStore = '/etc/ssl/certs/java/cacerts'

function mavenEnvironment(java: string): NodeJS.ProcessEnv {
  if (java === 'java') return process.env
  // Java from the wheel is on no path Maven looks at, and knows only the public authorities.
  const store = existsSync(machineStore) ? ` -Djavax.net.ssl.trustStore=${machineStore}` : ''
  return {
    ...process.env,
    JAVA_HOME: join(java, '..', '..'),
    MAVEN_OPTS: `${process.env['MAVEN_OPTS'] ?? ''}${store}`.trim(),
  }
}

/** A Maven that was fetched reads its own settings, not the machine's: mirrors stand there. */
function machineSettings(maven: string): string[] {
  return maven !== 'mvn' && existsSync(machineSettingsPath) ? ['-gs', machineSettingsPath] : []
}

function pom(artifacts: readonly string[]): string {
  const dependencies = artifacts.map(artifact => {
    const [group, name, version] = artifact.split(':')
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>local</groupId><artifactId>test-servers</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
${dependencies.join('\n')}
</dependencies></project>
`
}
