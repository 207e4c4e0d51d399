/** Opens a page in the user's browser where there is a screen; says nothing where there is none. */
import { spawn } from 'node:child_process'

export function openInBrowser(page: string): void {
  const command = browserCommand()
  if (command === undefined) return
  const [program = '', ...args] = command
  const child = spawn(program, [...args, page], { stdio: 'ignore', detached: true })
  // The address is printed anyway, so a desktop without the program loses nothing.
  child.on('error', () => undefined)
  child.unref()
}

function browserCommand(): readonly string[] | undefined {
  const env = process.env
  if (env['CI'] !== undefined) return undefined
  if (process.platform === 'darwin') return ['open']
  if (env['WSL_DISTRO_NAME'] !== undefined) return ['cmd.exe', '/c', 'start', '']
  return env['DISPLAY'] || env['WAYLAND_DISPLAY'] ? ['xdg-open'] : undefined
}
