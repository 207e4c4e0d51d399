/**
 * `npm test`: every lane, or those that are named.
 *
 *   npm test [-- LANE... [--long] [--files PART...]]
 *
 * `--long` raises the counts of the property tests ten to fifty times (LONG=1) and the hang limits twenty times, and plants the faults of
 * tests/mutate as a last lane, `mutate`. `--files` keeps the test files whose path holds a part.
 * Each lane closes with `LANE: N passed, N failed`; the exit status is 1 when any failed, ran no test or could not start.
 */
import { runMain } from '../kernel/setup/lab.ts'
import { SetupProblem } from '../kernel/setup/problem.ts'
import { lanes } from './lanes.ts'
import { mutate } from './mutate/mutate.ts'
import { runLane, type LaneResult } from './run-lane.ts'

await runMain(async () => {
  const words = process.argv.slice(2)
  const long = words.includes('--long')
  if (long) process.env['LONG'] = '1'
  const filesAt = words.indexOf('--files')
  const parts = filesAt < 0 ? [] : words.slice(filesAt + 1).filter(word => !word.startsWith('--'))
  const wanted = words.slice(0, filesAt < 0 ? undefined : filesAt).filter(word => !word.startsWith('--'))
  const names = [...lanes.map(lane => lane.name), ...(long ? ['mutate'] : [])]
  const unknown = wanted.find(word => !names.includes(word))
  if (unknown !== undefined) {
    throw new SetupProblem(`Cannot run lane "${unknown}": there are ${names.join(', ')}`)
  }
  const results: LaneResult[] = []
  for (const lane of lanes) {
    if (wanted.length > 0 && !wanted.includes(lane.name)) continue
    const limits = long ? { fileLimitMs: lane.fileLimitMs * 20, limitMs: lane.limitMs * 20 } : {}
    results.push(await runLane({ ...lane, ...limits }, parts))
  }
  if (long && (wanted.length === 0 || wanted.includes('mutate')))
    results.push({ name: 'mutate', ...(await mutate(parts)) })
  const failed = results.filter(result => result.failed > 0).map(result => result.name)
  if (failed.length > 0) {
    process.stdout.write(`failed lanes: ${failed.join(', ')}\n`)
    process.exitCode = 1
  }
})
