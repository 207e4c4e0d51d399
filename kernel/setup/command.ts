/** Runs a program to its end and gives what it printed. */
import { spawn } from 'node:child_process'

export interface CommandOptions {
  readonly cwd?: string | undefined
  readonly env?: NodeJS.ProcessEnv | undefined
  /** Kills the program after this. Default ten minutes. */
  readonly limitMs?: number | undefined
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
    })
    const limit = setTimeout(() => {
      overran = true
      child.kill('SIGKILL')
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
    child.on('close', code => end(overran ? 124 : (code ?? 1)))
  })
}
