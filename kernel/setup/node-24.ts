/** The newer Node that the kernel must run on beside the oldest one; only tests use it. It is one package of the npm registry. */
import { join } from 'node:path'
import { runCommand } from './command.ts'
import { cacheFolder } from './places.ts'
import { SetupProblem } from './problem.ts'
import { runStep, type Step } from './steps.ts'

const version = '24.9.0'
const name = `node-${process.platform}-${process.arch}`
const folder = join(cacheFolder, 'node-24')
const program = join(folder, 'node_modules', name, 'bin', 'node')

const node24Step: Step = {
  name: 'node-24',
  title: `Node ${version} for the tests`,
  inputs: () => [],
  salt: () => version,
  outputs: () => [program],
  run: async () => {
    const npm = process.env['npm_execpath']
    const [runner, before] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []]
    const args = ['install', '--prefix', folder, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund']
    const done = await runCommand(runner, [...before, ...args, `${name}@${version}`])
    if (done.status !== 0) {
      const lines = done.output.trim().split('\n')
      throw new SetupProblem(`Cannot bring Node ${version} for the tests: ${lines.find(line => /error/i.test(line))}`)
    }
  },
}

/** Brings it when it is missing; gives its path. */
export async function ensureNode24(): Promise<string> {
  await runStep(node24Step, text => void process.stdout.write(text))
  return program
}
