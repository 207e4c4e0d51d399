/** Builds the JupyterLab extension with npm packages only; its own `build` script knows how. */
import { join } from 'node:path'
import { runCommand } from './command.ts'
import { extensionFolder, labextensionFolder, packageRoot } from './places.ts'
import { reasonLine, SetupProblem } from './problem.ts'
import type { Step } from './steps.ts'

const sources = [
  'extension',
  'stream/charts',
  'stream/model.ts',
  'stream/errors.ts',
  'stream/time',
  'package-lock.json',
].map(path => join(packageRoot, path))

export const extensionStep: Step = {
  name: 'extension',
  title: 'JupyterLab extension',
  inputs: () => sources,
  outputs: () => [join(labextensionFolder, 'package.json')],
  run: async () => {
    const npm = process.env['npm_execpath']
    const [program, before] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []]
    const done = await runCommand(program, [...before, 'run', 'build', '--silent'], { cwd: extensionFolder })
    if (done.status !== 0) throw new SetupProblem(`Cannot build the JupyterLab extension: ${reasonLine(done.output)}`)
  },
}
