/** Where a user's own Jupyter looks for kernelspecs and extensions, by the rules of jupyter_core. */
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { runCommand } from './setup/command.ts'
import { SetupProblem } from './setup/problem.ts'

export interface Surroundings {
  readonly env: NodeJS.ProcessEnv
  readonly platform: NodeJS.Platform
  readonly home: string
}

export const here: Surroundings = { env: process.env, platform: process.platform, home: homedir() }

/** The user's data folder: `JUPYTER_DATA_DIR`, else what the platform says. */
export function userDataFolder({ env, platform, home }: Surroundings = here): string {
  if (env['JUPYTER_DATA_DIR']) return env['JUPYTER_DATA_DIR']
  if (platform === 'darwin') return join(home, 'Library/Jupyter')
  return join(env['XDG_DATA_HOME'] || join(home, '.local/share'), 'jupyter')
}

export function prefixDataFolder(prefix: string): string {
  return join(prefix, 'share/jupyter')
}

/** The folder an install writes to. At most one of the options is given; none means the user's. */
export async function installTarget(options: {
  user?: boolean
  sysPrefix?: boolean
  prefix?: string | undefined
}): Promise<string> {
  const given = [options.user, options.sysPrefix, options.prefix].filter(each => each !== undefined && each !== false)
  if (given.length > 1) throw new SetupProblem('Cannot install: give one of --user, --sys-prefix and --prefix')
  if (options.prefix !== undefined) return prefixDataFolder(options.prefix)
  if (!options.sysPrefix) return userDataFolder()
  const asked = await runCommand('python3', ['-c', 'import sys; print(sys.prefix)'], { limitMs: 20_000 })
  if (asked.status !== 0)
    throw new SetupProblem('Cannot install with --sys-prefix: python3 does not run; use --prefix FOLDER')
  return prefixDataFolder(asked.stdout.trim())
}

/** Data folders in the order Jupyter searches them: the first kernelspec of a name wins. */
export function searchedFolders(prefixes: readonly string[], surroundings: Surroundings = here): readonly string[] {
  const wished = (surroundings.env['JUPYTER_PATH'] ?? '').split(delimiter).filter(path => path !== '')
  const user = userDataFolder(surroundings)
  const environments = prefixes.map(prefixDataFolder)
  // In a virtual environment jupyter_core 5 looks there before it looks at the user's folder.
  const own =
    surroundings.env['VIRTUAL_ENV'] || surroundings.env['CONDA_PREFIX']
      ? [...environments, user]
      : [user, ...environments]
  return [...new Set([...wished, ...own, '/usr/local/share/jupyter', '/usr/share/jupyter'])]
}
