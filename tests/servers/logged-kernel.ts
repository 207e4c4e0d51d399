/** A kernel whose words are all kept, with profiles of its own: for tests that look for passwords in them. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kernelMain } from '../protocol/built.ts'
import { startKernel } from '../protocol/client.ts'
import { passwords } from './secure-kafka.ts'
import type { StartedKernel } from '../protocol/client.ts'

/** Nobody's. */
export const wrongPassword = 'not-the-password-1X'
export const secrets = [...Object.values(passwords), wrongPassword]

export interface LoggedKernel {
  readonly kernel: StartedKernel
  /** XDG_CONFIG_HOME of the kernel. */
  readonly folder: string
  /** Where a person keeps passwords. */
  readonly profiles: string
  /** What it wrote to its error side. */
  readonly log: string
  readonly history: string
  stop(): Promise<void>
}

export async function startLogged(profiles: Readonly<Record<string, object>>): Promise<LoggedKernel> {
  const folder = mkdtempSync(join(tmpdir(), 'riffle-logged-'))
  const [log, history] = [join(folder, 'kernel.log'), join(folder, 'history')]
  const path = join(folder, 'riffle', 'profiles.json')
  mkdirSync(join(folder, 'riffle'))
  writeFileSync(path, JSON.stringify(profiles))
  chmodSync(path, 0o600)
  const main = await kernelMain()
  const kernel = await startKernel({
    environment: { XDG_CONFIG_HOME: folder, RIFFLE_HISTORY: history },
    command: connectionFile => ['sh', '-c', `exec "${process.execPath}" "${main}" "${connectionFile}" 2> "${log}"`],
  })
  const stop = async () => {
    await kernel.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  return { kernel, folder, profiles: path, log, history, stop }
}

/** The path itself when it is a file, else every file below it. */
export function filesBelow(path: string): string[] {
  if (!existsSync(path)) return []
  if (statSync(path).isFile()) return [path]
  return readdirSync(path, { withFileTypes: true }).flatMap(entry =>
    entry.isDirectory() ? filesBelow(join(path, entry.name)) : entry.isFile() ? [join(path, entry.name)] : [],
  )
}
