/** Runs a program to its end and gives what it printed. */
import { spawn } from 'node:child_process'

export interface CommandOptions {
  readonly cwd?: string | undefined
  readonly env?: NodeJS.ProcessEnv | undefined
  /** Kills the program after this. Default ten minutes. */
  readonly limitMs?: number | undefined
  /** At the limit and at its end, end what the program started too. Ctrl-C does not reach it then. */
  readonly group?: boolean | undefined
}

export interface CommandResult {
  /** Exit status; 127 when the program could not be started, 124 when the limit ended it. */
  readonly status: number
  readonly output: string
  readonly stdout: string
}

export function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise(resolve => {
    let output = ''
    let stdout = ''
    let overran = false
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: options.group === true,
    })
    const kill = () => {
      try {
        if (options.group === true && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
        else child.kill('SIGKILL')
      } catch {
        // Everything had ended.
      }
    }
    const limit = setTimeout(() => {
      overran = true
      kill()
    }, options.limitMs ?? 600_000)
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
    const end = (status: number) => {
      clearTimeout(limit)
      resolve({ status, output, stdout })
    }
    child.on('error', error => {
      output += error.message
      end(127)
    })
    child.on('exit', () => {
      if (options.group === true) kill()
    })
    child.on('close', code => end(overran ? 124 : (code ?? 1)))
  })
}
