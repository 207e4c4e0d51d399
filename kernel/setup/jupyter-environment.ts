/** The private Jupyter of this clone: its data, config and runtime folders, apart from whatever the user has installed. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from './places.ts'
import { pathWithPython, privatePython } from './python.ts'

export const jupyterDataFolder = join(cacheFolder, 'jupyter/data')

export interface JupyterEnvironment {
  readonly python: string
  readonly dataFolder: string
  readonly configFolder: string
  readonly runtimeFolder: string
  /** For a child process: the caller's environment plus the private folders. */
  readonly env: NodeJS.ProcessEnv
}

/**
 * Folders and variables of the private Jupyter. `folder` puts config and runtime elsewhere (a test of its own); the kernelspec
 * and extension then still come from the clone's data folder.
 */
export function jupyterEnvironment(folder: string = join(cacheFolder, 'jupyter')): JupyterEnvironment {
  const configFolder = join(folder, 'config')
  const runtimeFolder = join(folder, 'runtime')
  for (const each of [jupyterDataFolder, join(configFolder, 'labconfig'), runtimeFolder])
    mkdirSync(each, { recursive: true })
  // Without this JupyterLab asks the network for news at its first start.
  const quiet = { disabledExtensions: { '@jupyterlab/apputils-extension:announcements': true } }
  writeFileSync(join(configFolder, 'labconfig/page_config.json'), JSON.stringify(quiet))
  const env: NodeJS.ProcessEnv = { ...process.env, PATH: pathWithPython() }
  // Another Jupyter's settings, or a token of a server that started us, would leak in.
  for (const name of Object.keys(env)) if (/^(JUPYTER|JPY_|PYTHONPATH$|PYTHONHOME$|npm_)/.test(name)) delete env[name]
  env['JUPYTER_DATA_DIR'] = jupyterDataFolder
  env['JUPYTER_CONFIG_DIR'] = configFolder
  env['JUPYTER_RUNTIME_DIR'] = runtimeFolder
  return { python: privatePython, dataFolder: jupyterDataFolder, configFolder, runtimeFolder, env }
}
