/** Jupyter's own Python clients against our kernel: the private environment, a kernelspec of its own, one program. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jupyterEnvironment } from '../../kernel/setup/jupyter-environment.ts'
import { ensureSetup, ensureTestPython } from '../../kernel/setup/setup.ts'
import { kernelMain } from './built.ts'

export interface PythonRun {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

const programs = join(import.meta.dirname, 'python')

/** Runs Python with `args` in `tests/protocol/python`, with the kernel `riffle` and others by their commands installed for it alone; `typed` is its standard input. */
export async function runPython(
  args: readonly string[],
  limitMs: number,
  kernels: Readonly<Record<string, readonly string[]>> = {},
  typed = '',
): Promise<PythonRun> {
  await ensureSetup({ only: ['python'] })
  const testPython = await ensureTestPython()
  const main = await kernelMain()
  const folder = mkdtempSync(join(tmpdir(), 'riffle-python-'))
  const commands = { ...kernels, riffle: [process.execPath, main, '{connection_file}'] }
  for (const [name, argv] of Object.entries(commands)) {
    const spec = join(folder, 'data/kernels', name)
    mkdirSync(spec, { recursive: true })
    writeFileSync(
      join(spec, 'kernel.json'),
      JSON.stringify({ argv, display_name: name, language: 'typescript', interrupt_mode: 'message' }),
    )
  }
  const { python, env } = jupyterEnvironment(folder)
  // Packages that only tests use lie in an environment of their own, beside Jupyter's.
  const packages = packagesOf(testPython)
  try {
    return await new Promise(resolve => {
      const child = execFile(
        python,
        [...args],
        {
          cwd: programs,
          timeout: limitMs,
          env: {
            ...env,
            JUPYTER_PATH: join(folder, 'data'),
            PYTHONPATH: packages,
            PYTHONDONTWRITEBYTECODE: '1',
            RIFFLE_HISTORY: '',
          },
        },
        (error, stdout, stderr) => resolve({ status: error === null ? 0 : 1, stdout, stderr }),
      )
      child.stdin?.end(typed)
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function packagesOf(python: string): string {
  const lib = join(python, '../../lib')
  const version = readdirSync(lib).find(name => name.startsWith('python3'))
  return join(lib, version ?? '', 'site-packages')
}
