/** Everything `npm start` and the tests need, in order. Each step runs only when its inputs changed; a finished set-up costs well under a second. */
import { join } from 'node:path'
import { install, installedFolders } from '../install.ts'
import { bundleStep } from './bundle.ts'
import { extensionStep } from './extension.ts'
import { jupyterDataFolder } from './jupyter-environment.ts'
import { bundleFolder, labextensionFolder, packageRoot } from './places.ts'
import { pythonStep, testPython, testPythonStep } from './python.ts'
import { runStep, type Step, type StepReport } from './steps.ts'

const jupyterStep: Step = {
  name: 'jupyter',
  title: 'kernelspec and extension for the private Jupyter',
  inputs: () => [
    join(labextensionFolder, 'package.json'),
    join(packageRoot, 'kernel/install.ts'),
    join(packageRoot, 'kernel/logos'),
  ],
  // A clone that was moved, or another Node, needs another kernelspec.
  salt: () => `${process.execPath} ${bundleFolder}`,
  outputs: () => Object.values(installedFolders(jupyterDataFolder)) as string[],
  run: async () => {
    install(jupyterDataFolder)
  },
}

const steps = { python: pythonStep, bundle: bundleStep, extension: extensionStep, jupyter: jupyterStep }
export type StepName = keyof typeof steps

export interface SetupOptions {
  /** Default: all. They run in the order python, bundle, extension, jupyter. */
  readonly only?: readonly StepName[] | undefined
  /** Where progress goes. Default: standard output. */
  readonly write?: ((text: string) => void) | undefined
}

/** Brings what is missing. Throws a `SetupProblem` whose message is one line for the user. */
export async function ensureSetup(options: SetupOptions = {}): Promise<readonly StepReport[]> {
  const write = options.write ?? ((text: string) => void process.stdout.write(text))
  const reports: StepReport[] = []
  for (const name of Object.keys(steps) as StepName[]) {
    if (options.only === undefined || options.only.includes(name)) reports.push(await runStep(steps[name], write))
  }
  return reports
}

/** Python with the packages that only tests use, such as a Kafka client that is not ours; gives its path. */
export async function ensureTestPython(): Promise<string> {
  await runStep(testPythonStep, text => void process.stdout.write(text))
  return testPython
}
