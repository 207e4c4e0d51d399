/**
 * Puts the kernelspec and the JupyterLab extension into a Jupyter data folder, or takes them out again. `npm start` does it for
 * the private folder of the clone, `riffle install` for the user's own Jupyter.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { bundleFolder, extensionName, kernelName, labextensionFolder, packageRoot } from './setup/places.ts'

export interface Kernelspec {
  readonly argv: readonly string[]
  readonly display_name: string
  readonly language: string
  readonly interrupt_mode: 'message'
  readonly metadata: Readonly<Record<string, unknown>>
}

export interface Installed {
  readonly kernelspec: string
  readonly labextension: string
}

/** The kernelspec names Node by its full path, since a desktop's Jupyter may have another PATH than the shell. */
export function kernelspec(): Kernelspec {
  return {
    argv: [process.execPath, join(bundleFolder, 'kernel/main.js'), '{connection_file}'],
    display_name: 'Riffle (TypeScript)',
    language: 'typescript',
    interrupt_mode: 'message',
    metadata: { debugger: false },
  }
}

/** Folders that `install` writes into `dataFolder` and `uninstall` deletes. */
export function installedFolders(dataFolder: string): Installed {
  return {
    kernelspec: join(dataFolder, 'kernels', kernelName),
    labextension: join(dataFolder, 'labextensions', extensionName),
  }
}

/** Replaces what an earlier install left. The extension is copied when it was built (`labextension` may be another folder). */
export function install(dataFolder: string, labextension: string = labextensionFolder): Installed {
  const folders = installedFolders(dataFolder)
  uninstall(dataFolder)
  mkdirSync(folders.kernelspec, { recursive: true })
  writeFileSync(join(folders.kernelspec, 'kernel.json'), `${JSON.stringify(kernelspec(), null, 2)}\n`)
  const logos = join(packageRoot, 'kernel/logos')
  for (const logo of readdirSync(logos).filter(name => name.startsWith('logo-'))) {
    cpSync(join(logos, logo), join(folders.kernelspec, logo))
  }
  cpSync(labextension, folders.labextension, { recursive: true })
  const note = { packageManager: 'npm', packageName: 'riffle-kernel', uninstallInstructions: 'Run: riffle uninstall' }
  writeFileSync(join(folders.labextension, 'install.json'), `${JSON.stringify(note, null, 2)}\n`)
  return folders
}

/** Deletes both folders and, when nothing else is in them, the folders above that the install may have made. True when something was there. */
export function uninstall(dataFolder: string): boolean {
  const folders = Object.values(installedFolders(dataFolder)) as string[]
  const present = folders.filter(folder => existsSync(folder))
  for (const folder of folders) {
    rmSync(folder, { recursive: true, force: true })
    removeEmptyFolders(dirname(folder), dataFolder)
  }
  return present.length > 0
}

function removeEmptyFolders(folder: string, upTo: string): void {
  for (let each = folder; each.startsWith(upTo) && each !== upTo; each = dirname(each)) {
    if (!existsSync(each)) continue
    if (readdirSync(each).length > 0) return
    rmdirSync(each)
  }
}

/** The installed kernelspec of `dataFolder`, or undefined. */
export function readKernelspec(dataFolder: string): Kernelspec | undefined {
  const file = join(installedFolders(dataFolder).kernelspec, 'kernel.json')
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Kernelspec
  } catch {
    return undefined
  }
}
