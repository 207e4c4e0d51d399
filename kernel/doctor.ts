/**
 * `riffle doctor`: what is there, what is missing, and what to do about it. Every check is a value of its own, so that the report
 * goes on after a failing one.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { installedFolders, readKernelspec } from './install.ts'
import { here, searchedFolders, type Surroundings } from './jupyter-paths.ts'
import { runCommand } from './setup/command.ts'
import { jupyterDataFolder } from './setup/jupyter-environment.ts'
import { bundleFolder, packageRoot } from './setup/places.ts'
import { findPython, privatePython } from './setup/python.ts'

export interface Finding {
  readonly title: string
  readonly state: 'ok' | 'warning' | 'problem'
  readonly text: string
  /** What to type. Present unless the state is ok. */
  readonly advice?: string | undefined
}

/** All findings in the order a reader would check them. */
export async function examine(): Promise<readonly Finding[]> {
  const jupyters = await jupyterVersions()
  return [
    checkNode(process.versions.node),
    checkPlatform(here),
    await checkZeromq(),
    checkBuild(join(bundleFolder, 'kernel/main.js')),
    await checkPython(),
    ...jupyters.flatMap(checkJupyter),
    ...checkInstalled('private Jupyter', [jupyterDataFolder], 'npm start'),
    ...checkInstalled('your Jupyter', searchedFolders(await jupyterPrefixes()), 'riffle install'),
  ]
}

/** The report, one line for a finding and one for its advice; `healthy` is false when a problem was found. */
export function describe(findings: readonly Finding[]): { text: string; healthy: boolean } {
  const sign = { ok: 'ok     ', warning: 'warning', problem: 'PROBLEM' }
  const lines = findings.flatMap(each => [
    `${sign[each.state]}  ${each.title}: ${each.text}`,
    ...(each.advice === undefined ? [] : [`         ${each.advice}`]),
  ])
  return { text: lines.join('\n'), healthy: findings.every(each => each.state !== 'problem') }
}

export function checkNode(version: string): Finding {
  const title = 'Node'
  if (atLeast(version, [20, 19])) return { title, state: 'ok', text: version }
  return {
    title,
    state: 'problem',
    text: `${version} is too old, 20.19 is the oldest`,
    advice: 'Install a newer Node from nodejs.org',
  }
}

export function checkPlatform({ platform, env }: Surroundings): Finding {
  const title = 'platform'
  if (platform === 'linux')
    return { title, state: 'ok', text: env['WSL_DISTRO_NAME'] === undefined ? 'Linux' : 'Linux under Windows (WSL)' }
  if (platform === 'darwin') return { title, state: 'ok', text: 'macOS' }
  const advice = platform === 'win32' ? 'Run Riffle under WSL' : 'Use Linux, macOS or WSL'
  return { title, state: 'problem', text: `${platform} was never tried`, advice }
}

async function checkZeromq(): Promise<Finding> {
  const title = 'zeromq'
  try {
    const { version } = await import('zeromq')
    return { title, state: 'ok', text: `loads, library ${version}` }
  } catch (error) {
    const text = `does not load: ${(error as Error).message.split('\n')[0]}`
    return {
      title,
      state: 'problem',
      text,
      advice: 'Run npm ci in the folder of Riffle with the Node that Jupyter uses',
    }
  }
}

export function checkBuild(main: string): Finding {
  const title = 'kernel'
  if (existsSync(main)) return { title, state: 'ok', text: `version ${ownVersion()}, ${main}` }
  return {
    title,
    state: 'problem',
    text: `is not built, ${main} is missing`,
    advice: 'Run npm start, or npm run build',
  }
}

async function checkPython(): Promise<Finding> {
  const title = 'Python'
  try {
    const found = await findPython()
    return { title, state: 'ok', text: `${found.version.join('.')}, ${found.path}` }
  } catch (error) {
    return {
      title,
      state: 'problem',
      text: (error as Error).message,
      advice: 'Install Python 3.10 or newer, or set RIFFLE_PYTHON',
    }
  }
}

export interface JupyterFound {
  readonly whose: string
  readonly lab: string | undefined
  readonly server: string | undefined
}

async function jupyterVersions(): Promise<readonly JupyterFound[]> {
  const own = existsSync(privatePython) ? [await askJupyter('private Jupyter', privatePython)] : []
  return [...own, await askJupyter('your Jupyter', 'python3')]
}

async function askJupyter(whose: string, python: string): Promise<JupyterFound> {
  const script =
    "import importlib.metadata as m\nfor p in ('jupyterlab', 'jupyter-server'):\n  try: print(m.version(p))\n  except m.PackageNotFoundError: print('')"
  const asked = await runCommand(python, ['-c', script], { limitMs: 20_000 })
  const [lab, server] = asked.stdout.split(/\r?\n/).map(line => line.trim() || undefined)
  return { whose, lab, server }
}

/** JupyterLab 4.4 is the floor of the extension; jupyter_server below 2.20 lets a notebook's HTML run scripts (CVE-2026-44727). */
export function checkJupyter({ whose, lab, server }: JupyterFound): readonly Finding[] {
  const title = `${whose}: JupyterLab`
  if (lab === undefined) {
    // Nobody needs a Jupyter of their own: npm start brings one.
    if (whose === 'your Jupyter')
      return [{ title, state: 'ok', text: 'none in python3; the private one is used by npm start' }]
    return [{ title, state: 'problem', text: 'is missing', advice: 'Delete the folder .cache and run npm start' }]
  }
  const findings: Finding[] = []
  if (atLeast(lab, [4, 4])) findings.push({ title, state: 'ok', text: lab })
  else
    findings.push({
      title,
      state: 'problem',
      text: `${lab} is too old, charts need 4.4`,
      advice: 'pip install --upgrade jupyterlab',
    })
  if (server !== undefined && !atLeast(server, [2, 20])) {
    const text = `${server} has a known security hole (CVE-2026-44727), mended in 2.20`
    findings.push({
      title: `${whose}: jupyter_server`,
      state: 'warning',
      text,
      advice: 'pip install --upgrade jupyter_server',
    })
  }
  return findings
}

async function jupyterPrefixes(): Promise<readonly string[]> {
  const asked = await runCommand('python3', ['-c', 'import sys; print(sys.prefix)'], { limitMs: 20_000 })
  return asked.status === 0 ? [asked.stdout.trim()] : []
}

/** Kernelspec and extension in the folders Jupyter searches: present, pointing at files that exist, not hidden by another, same version. */
export function checkInstalled(whose: string, folders: readonly string[], command: string): readonly Finding[] {
  const present = folders.filter(folder => readKernelspec(folder) !== undefined)
  const [first, ...hidden] = present
  const title = `${whose}: kernelspec`
  const advice = `Run ${command}`
  // The user's own Jupyter needs no Riffle as long as the private one is used.
  if (first === undefined) {
    return [
      {
        title,
        state: command === 'riffle install' ? 'ok' : 'problem',
        text: 'not installed',
        ...(command === 'riffle install' ? {} : { advice }),
      },
    ]
  }
  return [
    checkKernelspec(title, first, advice),
    ...hidden.map((folder): Finding => {
      const text = `a second one in ${folder} is hidden by ${first}`
      return { title, state: 'warning', text, advice: 'Run riffle uninstall for the one you do not use' }
    }),
    checkLabextension(`${whose}: extension`, folders, advice),
  ]
}

function checkKernelspec(title: string, folder: string, advice: string): Finding {
  const [node = '', main = ''] = readKernelspec(folder)?.argv ?? []
  const missing = [node, main].find(path => !existsSync(path))
  if (missing !== undefined)
    return { title, state: 'problem', text: `in ${folder} names "${missing}", which does not exist`, advice }
  if (!main.startsWith(packageRoot)) {
    return { title, state: 'warning', text: `in ${folder} belongs to another Riffle, ${main}`, advice }
  }
  return { title, state: 'ok', text: folder }
}

function checkLabextension(title: string, folders: readonly string[], advice: string): Finding {
  const found = folders
    .map(folder => join(installedFolders(folder).labextension, 'package.json'))
    .find(path => existsSync(path))
  if (found === undefined)
    return { title, state: 'problem', text: 'is missing, charts would show as static pictures', advice }
  const version = versionIn(found)
  if (version === ownVersion()) return { title, state: 'ok', text: version }
  return { title, state: 'warning', text: `is version ${version}, the kernel is ${ownVersion()}`, advice }
}

function ownVersion(): string {
  return versionIn(join(packageRoot, 'package.json'))
}

function versionIn(file: string): string {
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
  return typeof content === 'object' && content !== null && 'version' in content ? String(content.version) : 'unknown'
}

function atLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [haveMajor = 0, haveMinor = 0] = version.split('.').map(part => Number.parseInt(part, 10))
  return haveMajor > major || (haveMajor === major && haveMinor >= minor)
}
