/**
 * The private Python environment: JupyterLab and its 100 packages from a hash-locked list, in `.cache/python`. Three ways lead
 * there, since Debian ships Python without `ensurepip`: venv with its own pip, a bare venv filled by another pip, virtualenv.
 */
import { existsSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { runCommand } from './command.ts'
import { cacheFolder, packageRoot } from './places.ts'
import { commonProblem, reasonLine, SetupProblem } from './problem.ts'
import type { Step } from './steps.ts'

/** One private environment: its folder and the list of what is in it. */
interface Environment {
  readonly folder: string
  readonly requirements: string
  /** For messages. */
  readonly what: string
}

const jupyter: Environment = {
  folder: join(cacheFolder, 'python'),
  requirements: join(packageRoot, 'kernel/setup/requirements.txt'),
  what: 'JupyterLab',
}
const forTests: Environment = {
  folder: join(cacheFolder, 'python-tests'),
  requirements: join(packageRoot, 'kernel/setup/requirements-test.txt'),
  what: 'the Python packages of the tests',
}

/** Python of the private environment. Exists after the step `python`. */
export const privatePython = pythonOf(jupyter)
export const privatePythonScripts = scriptsOf(jupyter)

export const pythonStep: Step = {
  ...stepFor(jupyter, 'python', 'Python environment with JupyterLab 4.6'),
  outputs: () => [privatePython, join(privatePythonScripts, 'jupyter-lab')],
}
export const testPythonStep: Step = stepFor(forTests, 'python-tests', 'Python environment of the tests')
export const testPython = pythonOf(forTests)

function stepFor(environment: Environment, name: string, title: string): Step {
  return {
    name,
    title,
    inputs: () => [environment.requirements],
    outputs: () => [pythonOf(environment)],
    run: async () => {
      const python = await findPython()
      rmSync(environment.folder, { recursive: true, force: true })
      const pip = await makeEnvironment(python, environment)
      await installPackages(pip, environment)
    },
  }
}

function scriptsOf(environment: Environment): string {
  return join(environment.folder, process.platform === 'win32' ? 'Scripts' : 'bin')
}

function pythonOf(environment: Environment): string {
  return join(scriptsOf(environment), process.platform === 'win32' ? 'python.exe' : 'python')
}

export interface PythonFound {
  readonly path: string
  readonly version: readonly [number, number, number]
}

/** The first Python 3.10 or newer: `RIFFLE_PYTHON`, then the user's `python3`, then the numbered ones, newest first. */
export async function findPython(): Promise<PythonFound> {
  const wished = process.env['RIFFLE_PYTHON']
  const names = wished
    ? [wished]
    : ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.14', 'python3.10', 'python']
  const tooOld: string[] = []
  for (const name of names) {
    const found = await askPython(name)
    if (found === undefined) continue
    const [major, minor] = found.version
    if (major === 3 && minor >= 10) return found
    tooOld.push(`${name} is ${found.version.join('.')}`)
  }
  const seen = tooOld.length > 0 ? tooOld.join(', ') : wished ? `"${wished}" does not run` : 'none was found'
  throw new SetupProblem(
    `Cannot set up JupyterLab: it needs Python 3.10 or newer, ${seen}; install python3 or set RIFFLE_PYTHON to one`,
  )
}

/** A shim may be on the PATH without a Python behind it, so each candidate is asked, not looked up. */
async function askPython(name: string): Promise<PythonFound | undefined> {
  const asked = await runCommand(name, ['-c', 'import sys; print(sys.executable); print(*sys.version_info[:3])'], {
    limitMs: 20_000,
  })
  if (asked.status !== 0) return undefined
  const [path = '', numbers = ''] = asked.stdout.trim().split(/\r?\n/)
  const [major = 0, minor = 0, patch = 0] = numbers.split(' ').map(Number)
  return { path, version: [major, minor, patch] }
}

/** Makes the environment and gives the pip command line that installs into it. */
async function makeEnvironment(python: PythonFound, environment: Environment): Promise<readonly string[]> {
  const inside = pythonOf(environment)
  const own = await runCommand(python.path, ['-m', 'venv', environment.folder])
  if (own.status === 0 && (await runCommand(inside, ['-m', 'pip', '--version'])).status === 0)
    return [inside, '-m', 'pip']
  const problem = commonProblem('the Python environment', own.output)
  if (problem !== undefined) throw problem
  rmSync(environment.folder, { recursive: true, force: true })
  const otherPip = (await runCommand(python.path, ['-m', 'pip', '--version'])).status === 0
  const bare = await runCommand(python.path, ['-m', 'venv', '--without-pip', environment.folder])
  if (bare.status === 0 && otherPip) return [python.path, '-m', 'pip', '--python', inside]
  rmSync(environment.folder, { recursive: true, force: true })
  const virtualenv = await runCommand(python.path, ['-m', 'virtualenv', environment.folder])
  if (virtualenv.status === 0) return [inside, '-m', 'pip']
  throw new SetupProblem(
    `Cannot make a Python environment: ${python.path} has neither venv with pip nor virtualenv; ` +
      'install them (Debian and Ubuntu: sudo apt install python3-venv) and run the command again',
  )
}

/** The list is complete, so pip resolves nothing (`--no-deps`), and nothing without a known hash gets in. */
async function installPackages(pip: readonly string[], environment: Environment): Promise<void> {
  const [program = pythonOf(environment), ...before] = pip
  const args = [
    ...before,
    'install',
    '--require-hashes',
    '--no-deps',
    '--prefer-binary',
    '--no-input',
    '--disable-pip-version-check',
  ]
  const done = await runCommand(program, [...args, '--quiet', '-r', environment.requirements], {
    env: environmentForPip(),
  })
  if (done.status === 0 && existsSync(pythonOf(environment))) return
  throw (
    commonProblem('JupyterLab', done.output) ??
    new SetupProblem(`Cannot install JupyterLab: ${reasonLine(done.output)}`)
  )
}

/** Settings of another environment (conda, an active venv) must not lead pip astray. */
function environmentForPip(): NodeJS.ProcessEnv {
  const env = { ...process.env, PIP_USER: '0', PIP_REQUIRE_VIRTUALENV: '0' }
  for (const name of ['PYTHONPATH', 'PYTHONHOME', 'PIP_TARGET', 'PIP_PREFIX', 'VIRTUAL_ENV'])
    delete env[name as keyof typeof env]
  return env
}

/** `PATH` with the private environment first. */
export function pathWithPython(): string {
  return privatePythonScripts + delimiter + (process.env['PATH'] ?? '')
}
