/** Flink's CEP library on the workloads of `cep.bench.ts`: a Java program of its own, its figures from what it prints. */
import { join } from 'node:path'
import { runCommand } from '../../../kernel/setup/command.ts'
import { compiledJava, PeerMissing } from '../fetch.ts'

export interface FlinkOutcome {
  readonly matches: number
  readonly checksum: number
  readonly eventsPerCpuSecond: number
}

const OPENS = ['util', 'lang', 'time'].map(name => `--add-opens=java.base/java.${name}=ALL-UNNAMED`)

/** Undefined, and a line on the screen, when Flink cannot be had here. */
export async function flinkCep(workload: string, keys: number, events: number): Promise<FlinkOutcome | undefined> {
  try {
    const { java, classpath } = await compiledJava('flink', [join(import.meta.dirname, 'FlinkCepBench.java')])
    const args = ['-Xmx4g', ...OPENS, '-cp', classpath, 'FlinkCepBench', workload, String(keys), String(events)]
    const { status, output } = await runCommand(java, args, { limitMs: 1_800_000 })
    const found = /events\/cpuSecond=(\d+) matches=(\d+) .*checksum=(\d+)/.exec(output)
    if (status !== 0 || found === null) throw new Error(`Flink CEP ended with ${status}: ${output.slice(-2000)}`)
    return { eventsPerCpuSecond: Number(found[1]), matches: Number(found[2]), checksum: Number(found[3]) }
  } catch (error) {
    if (!(error instanceof PeerMissing)) throw error
    process.stdout.write(`left out: ${error.message}\n`)
    return undefined
  }
}
