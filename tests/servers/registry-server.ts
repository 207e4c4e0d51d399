/** A real schema registry (Apicurio, which speaks Confluent's interface) for tests and for people: fetched once, in memory only. */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { ensureJava } from './java.ts'
import { freePorts } from './kafka-server.ts'
import { ensureArchive } from './maven.ts'

/** The newest that runs on Java 17. */
const version = '3.0.9'
const readyLimitMs = 120_000

export interface RegistryServer {
  /** What `%connect … --registry` takes. */
  readonly url: string
  stop(): Promise<void>
}

/** Resolves when it answers; new subjects are BACKWARD compatible, as on Confluent's. */
export async function startRegistry(wanted?: number): Promise<RegistryServer> {
  const java = await ensureJava()
  const app = await ensureArchive(
    `apicurio-${version}`,
    `io.apicurio:apicurio-registry-app:${version}:tar.gz:all`,
    java,
  )
  const jar = readdirSync(app).find(name => name.endsWith('-runner.jar'))
  if (jar === undefined) throw new Error(`Cannot start the registry: ${app} holds no runner jar`)
  const port = wanted ?? (await freePorts(1))[0]!
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`
  const http = ['-Dquarkus.http.host=127.0.0.1', `-Dquarkus.http.port=${port}`]
  // Without these it opens port 9000 on all interfaces.
  const management = ['-Dquarkus.management.host=127.0.0.1', '-Dquarkus.management.port=0']
  const small = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
  const child = spawn(java, [...small, ...http, ...management, '-jar', jar], { cwd: app, stdio: 'ignore' })
  const limit = Date.now() + readyLimitMs
  const answers = async () => {
    try {
      return (await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(2000) })).ok
    } catch {
      return false
    }
  }
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
  }
  while (!(await answers())) {
    if (child.exitCode !== null || Date.now() > limit) {
      await stop()
      throw new Error(`The registry did not become ready (exit code ${child.exitCode})`)
    }
    await wait(50)
  }
  // A fresh Apicurio takes any schema after any other.
  const config = {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: '{"compatibility":"BACKWARD"}',
  }
  await fetch(`${url}/config`, config)
  return { url, stop }
}
