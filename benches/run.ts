/**
 * `npm run bench [-- WORD... --check --save]`: measures and prints the medians. Words keep measurements whose name holds one.
 * `--check` fails when one misses its budget, and, without words, when a budget was not measured; `--save` writes `benches/baseline.json`, against which later runs are shown.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { runMain } from '../kernel/setup/lab.ts'
import { packageRoot } from '../kernel/setup/places.ts'
import { median, type BenchModule, type Measurement } from './bench.ts'
import { budgets, judge } from './budgets.ts'

const folder = join(packageRoot, 'benches')
const baselineFile = join(folder, 'baseline.json')
const factor = Number(process.env['RIFFLE_BENCH_FACTOR'] ?? 1)

await runMain(async () => {
  const words = process.argv.slice(2)
  const check = words.includes('--check')
  const wanted = words.filter(word => !word.startsWith('--'))
  const baseline = readBaseline()
  const measured: Record<string, number> = {}
  let missed = 0
  for (const file of readdirSync(folder)
    .filter(name => name.endsWith('.bench.ts'))
    .sort()) {
    const bench = (await import(pathToFileURL(join(folder, file)).href)) as BenchModule
    const chosen = bench.measurements.filter(
      ({ name }) => wanted.length === 0 || wanted.some(word => name.includes(word)),
    )
    if (chosen.length === 0) continue
    const release = await bench.setup?.()
    try {
      for (const measurement of chosen) {
        for (const [name, value] of Object.entries(await medians(measurement))) {
          measured[name] = value
          const verdict = judge(name, value, factor)
          if (verdict?.within === false) missed++
          process.stdout.write(`${line(name, value, measurement.unit, baseline[name], verdict)}\n`)
        }
      }
    } finally {
      await release?.()
    }
  }
  if (Object.keys(measured).length === 0) throw new Error('Nothing was measured')
  if (words.includes('--save'))
    writeFileSync(baselineFile, `${JSON.stringify({ ...baseline, ...measured }, null, 2)}\n`)
  if (check && wanted.length === 0) {
    for (const { name } of budgets.filter(budget => measured[budget.name] === undefined)) {
      missed++
      process.stdout.write(`${name.padEnd(42)} NOT MEASURED\n`)
    }
  }
  if (check) process.stdout.write(missed === 0 ? 'all budgets are kept\n' : `${missed} budgets are missed\n`)
  if (check && missed > 0) process.exitCode = 1
})

async function medians(measurement: Measurement): Promise<Record<string, number>> {
  const values = new Map<string, number[]>()
  for (let run = 0; run < (measurement.runs ?? 5); run++) {
    const result = await measurement.measure()
    const entries =
      typeof result === 'number'
        ? [[measurement.name, result] as const]
        : Object.entries(result).map(([key, value]) => [`${measurement.name}/${key}`, value] as const)
    for (const [name, value] of entries) values.set(name, [...(values.get(name) ?? []), value])
  }
  return Object.fromEntries([...values].map(([name, each]) => [name, rounded(median(each))]))
}

function readBaseline(): Readonly<Record<string, number>> {
  return existsSync(baselineFile) ? (JSON.parse(readFileSync(baselineFile, 'utf8')) as Record<string, number>) : {}
}

function line(
  name: string,
  value: number,
  unit: string,
  before: number | undefined,
  verdict: ReturnType<typeof judge>,
): string {
  const compared = before === undefined || before === 0 ? '' : `  ${(value / before).toFixed(2)} of the baseline`
  const budget = verdict === undefined ? '' : `  ${verdict.within ? 'within' : 'MISSED'}: ${verdict.text}`
  return `${name.padEnd(42)} ${value.toLocaleString('en').padStart(12)} ${unit.padEnd(8)}${compared}${budget}`
}

function rounded(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3))
}
