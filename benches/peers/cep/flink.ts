/** Flink's CEP library on the workloads of `cep.bench.ts`: a Java program of its own, its figures from what it prints. */
import { join } from 'node:path'
import { runCommand } from '../../../kernel/setup/command.ts'
import { compiledJava, PeerMissing } from '../fetch.ts'
import { outcomeOf, type CepOutcome } from './outcome.ts'

const OPENS = ['util', 'lang', 'time'].map(name => `--add-opens=java.base/java.${name}=ALL-UNNAMED`)

/** Undefined, and a line on the screen, when Flink cannot be had here. */
export async function flinkCep(workload: string, keys: number, events: number): Promise<CepOutcome | undefined> {
  try {
    const { java, classpath } = await compiledJava('flink', [join(import.meta.dirname, 'FlinkCepBench.java')])
    const args = ['-Xmx4g', ...OPENS, '-cp', classpath, 'FlinkCepBench', workload, String(keys), String(events)]
    return outcomeOf('Flink CEP', await runCommand(java, args, { limitMs: 1_800_000 }))
  } catch (error) {
    if (!(error instanceof PeerMissing)) throw error
    process.stdout.write(`left out: ${error.message}\n`)
    return undefined
  }
}
