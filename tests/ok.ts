/** `npm run ok`: what CI demands without the slow lanes. Every check runs; what a failing one printed is shown. */
import { runCommand } from '../kernel/setup/command.ts'
import { runMain } from '../kernel/setup/lab.ts'
import { packageRoot } from '../kernel/setup/places.ts'
import { lanes } from './lanes.ts'
import { runLane } from './run-lane.ts'

const checks: readonly (readonly [title: string, script: string, args: readonly string[]])[] = [
  ['format', 'node_modules/prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.']],
  ['lint', 'node_modules/oxlint/bin/oxlint', ['--type-aware', '--deny-warnings']],
  ['types', 'node_modules/typescript/bin/tsc', ['-p', '.']],
]

await runMain(async () => {
  let failed = 0
  for (const [title, script, args] of checks) {
    const began = performance.now()
    const done = await runCommand(process.execPath, [script, ...args], { cwd: packageRoot })
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    process.stdout.write(
      done.status === 0 ? `${title} ${seconds} s\n` : `${title} FAILED ${seconds} s\n${done.output}\n`,
    )
    failed += done.status === 0 ? 0 : 1
  }
  for (const lane of lanes) {
    if (lane.name === 'unit' || lane.name === 'protocol') failed += (await runLane(lane)).failed
  }
  if (failed > 0) process.exitCode = 1
})
