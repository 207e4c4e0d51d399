/** What a program of the pattern workloads prints: `events/cpuSecond=… matches=… checksum=…`. */
export interface CepOutcome {
  readonly matches: number
  readonly checksum: number
  readonly eventsPerCpuSecond: number
}

export function outcomeOf(who: string, done: { readonly status: number; readonly output: string }): CepOutcome {
  const found = /events\/cpuSecond=(\d+) matches=(\d+)\b.* checksum=(\d+)/.exec(done.output)
  if (done.status !== 0 || found === null)
    throw new Error(`${who} ended with ${done.status}: ${done.output.slice(-2000)}`)
  return { eventsPerCpuSecond: Number(found[1]), matches: Number(found[2]), checksum: Number(found[3]) }
}
