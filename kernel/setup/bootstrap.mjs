/**
 * First file that runs on a fresh clone: plain Node, no package. It checks Node, brings the npm packages when they are missing
 * or another version than the lock file says, and hands over to a TypeScript file:
 *
 *   node kernel/setup/bootstrap.mjs SCRIPT.ts [ARGUMENTS]
 *
 * Whether the packages are there is read from npm's own record in node_modules, so no stamp can go stale.
 */
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(fileURLToPath(import.meta.url), '../../..')
const oldestNode = [20, 19]

const [script, ...scriptArguments] = process.argv.slice(2)
if (script === undefined) fail('Cannot start: no script given; use npm start')
if (!nodeIsNewEnough(process.versions.node)) {
  fail(
    `Cannot start: Node ${process.versions.node} is too old, Riffle needs ${oldestNode.join('.')} or newer; get it from nodejs.org`,
  )
}
if (!packagesAreInstalled()) installPackages()
handOver()

function nodeIsNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])
}

function packagesAreInstalled() {
  const wanted = packagesOf('package-lock.json')
  const present = packagesOf('node_modules/.package-lock.json')
  if (wanted === undefined || present === undefined) return false
  return Object.entries(wanted).every(([folder, entry]) => {
    if (!folder.includes('node_modules/') || entry.link || entry.optional || entry.devOptional) return true
    return present[folder]?.version === entry.version
  })
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages
  } catch {
    return undefined
  }
}

/** Install scripts are not run: every native part we use is shipped inside its package. */
function installPackages() {
  const began = Date.now()
  process.stdout.write('npm packages ... ')
  const command = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  // npm runs through the npm-cli.js that started us where there is one, since `npm` on Windows is a shell script.
  const npm = process.env.npm_execpath
  const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 * 1024 * 1024 }
  const done = npm?.endsWith('.js')
    ? spawnSync(process.execPath, [npm, ...command], options)
    : spawnSync('npm', command, options)
  if (done.status !== 0) {
    process.stdout.write('failed\n')
    fail(reasonOf(`${done.stderr ?? ''}${done.stdout ?? ''}${done.error?.message ?? ''}`))
  }
  process.stdout.write(`${((Date.now() - began) / 1000).toFixed(1)} s\n`)
}

function reasonOf(output) {
  if (/ENOSPC|no space left/i.test(output)) return 'Cannot install the npm packages: the disk is full; they need 600 MB'
  if (/ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH/.test(output)) {
    return 'Cannot install the npm packages: the registry does not answer; check the network and run the command again'
  }
  if (/ENOENT.*npm|not found/i.test(output))
    return 'Cannot install the npm packages: npm was not found; install it with Node'
  if (/EUSAGE/.test(output))
    return 'Cannot install the npm packages: package.json and package-lock.json do not agree; run npm install'
  const lines = output.split('\n').filter(line => line.trim() !== '' && !/A complete log/.test(line))
  return `Cannot install the npm packages: ${lines[0]?.replace(/^npm (error|ERR!) ?/, '') ?? 'npm ended without a word'}`
}

/** Ctrl-C reaches the whole foreground group, so this process only has to outlive the one that cleans up. */
function handOver() {
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, script), ...scriptArguments], {
    stdio: 'inherit',
    cwd: process.cwd(),
  })
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  process.on('SIGHUP', () => child.kill('SIGTERM'))
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
