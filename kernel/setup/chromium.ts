/**
 * A Chromium for the tests: the system's, or one brought by apt. Nothing else needs a browser of ours. As root it is installed;
 * otherwise the packages are unpacked into the shared cache and run from there.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './command.ts'
import { sharedCacheFolder } from './places.ts'
import { reasonLine, SetupProblem } from './problem.ts'

/** Flags a headless Chromium needs as root, without GPU, and on a machine without a way to the outside. */
export const chromiumFlags: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
]

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const macPaths = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]
const unpackedFolder = () => join(sharedCacheFolder(), 'chromium')
const unpackedLauncher = () => join(unpackedFolder(), 'run-chromium')

/** Path of a Chromium that is there, or undefined. `RIFFLE_CHROMIUM` names one. */
export function findChromium(): string | undefined {
  const wished = process.env['RIFFLE_CHROMIUM']
  if (wished !== undefined && existsSync(wished)) return wished
  const folders = (process.env['PATH'] ?? '').split(':').concat('/usr/bin', '/usr/local/bin')
  const found = names.flatMap(name => folders.map(folder => join(folder, name))).find(path => existsSync(path))
  return found ?? [...macPaths, unpackedLauncher()].find(path => existsSync(path))
}

/** Path of a Chromium, installed when there is none. */
export async function ensureChromium(): Promise<string> {
  const found = findChromium()
  if (found !== undefined) return found
  if (process.platform !== 'linux' || (await runCommand('apt-get', ['--version'])).status !== 0) {
    throw new SetupProblem(
      'Cannot run the browser tests: no Chromium was found; install one or set RIFFLE_CHROMIUM to its path',
    )
  }
  if (process.getuid?.() === 0) await installAsRoot()
  else await unpackAsUser()
  const installed = findChromium()
  if (installed === undefined)
    throw new SetupProblem('Cannot run the browser tests: Chromium was installed but is not on the PATH')
  return installed
}

async function installAsRoot(): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const listed = await runCommand('apt-get', ['update', '-qq'], { env })
  const done = await runCommand(
    'apt-get',
    ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'],
    { env },
  )
  if (done.status !== 0)
    throw new SetupProblem(`Cannot install Chromium: ${reasonLine(listed.status === 0 ? done.output : listed.output)}`)
}

async function unpackAsUser(): Promise<void> {
  const folder = unpackedFolder()
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, 'packages'), { recursive: true })
  const packages = await missingPackages()
  const download = await runCommand('apt-get', ['download', ...packages], { cwd: join(folder, 'packages') })
  if (download.status !== 0) throw new SetupProblem(`Cannot download Chromium: ${reasonLine(download.output)}`)
  for (const file of readdirSync(join(folder, 'packages'))) {
    const unpacked = await runCommand('dpkg', ['-x', join(folder, 'packages', file), join(folder, 'root')])
    if (unpacked.status !== 0) throw new SetupProblem(`Cannot unpack Chromium: ${reasonLine(unpacked.output)}`)
  }
  rmSync(join(folder, 'packages'), { recursive: true, force: true })
  const libraries = ['usr/lib', `usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`].map(path =>
    join(folder, 'root', path),
  )
  const launcher = `#!/bin/sh\nLD_LIBRARY_PATH="${libraries.join(':')}" exec "${join(folder, 'root/usr/lib/chromium/chromium')}" "$@"\n`
  writeFileSync(unpackedLauncher(), launcher, { mode: 0o755 })
}

/** Chromium and those of its dependencies that the system lacks. */
async function missingPackages(): Promise<readonly string[]> {
  const without = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map(kind => `--no-${kind}`)
  const listed = await runCommand('apt-cache', ['depends', '--recurse', ...without, 'chromium'])
  const wanted = [...new Set(listed.stdout.split('\n').filter(line => /^[a-z0-9][a-z0-9+.-]*$/.test(line)))]
  if (wanted.length === 0)
    throw new SetupProblem('Cannot download Chromium: apt does not know the package; run apt-get update')
  const installed = await runCommand('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Package}\n'])
  const present = new Set(
    installed.stdout
      .split('\n')
      .filter(line => line.startsWith('installed '))
      .map(line => line.slice(10)),
  )
  return wanted.filter(name => !present.has(name))
}
