/** Something the set-up cannot have: told to the user in one line that says what to do. */
export class SetupProblem extends Error {
  override readonly name = 'SetupProblem'
}

/** The one line for a failed download or a full disk; undefined when the output tells of something else. */
export function commonProblem(what: string, output: string): SetupProblem | undefined {
  if (/No space left|ENOSPC|\[Errno 28\]/i.test(output)) {
    return new SetupProblem(`Cannot install ${what}: the disk is full; free about 2 GB and run the command again`)
  }
  if (
    /Name or service not known|Temporary failure in name resolution|Failed to establish a new connection|Network is unreachable|Connection refused|timed out|Max retries exceeded|No matching distribution found|ENOTFOUND|EAI_AGAIN/i.test(
      output,
    )
  ) {
    return new SetupProblem(
      `Cannot install ${what}: the package registry does not answer; check the network and run the command again`,
    )
  }
  return undefined
}

/** Last lines that carry a reason, for a one-line message. */
export function reasonLine(output: string): string {
  const lines = output
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
  return lines.findLast(line => /error/i.test(line)) ?? lines.at(-1) ?? 'no output'
}
