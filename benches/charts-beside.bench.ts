/**
 * Our charts beside those that install from the registries, in one run, each in a notebook of its own in one JupyterLab:
 * `charts.beside-…/{riffle,bare,jupyterlab-vega,altair,bokeh,plotly,perspective}`. Five lines a chart, a row a line every 100 ms.
 * RIFFLE_PEERS takes only those named; RIFFLE_BENCH_CHART_SECONDS is how long each race runs, RIFFLE_BENCH_CHART_MINUTES the last one, whose file and heap are measured.
 */
import { launchChromium } from '../tests/browser/open-chart-page.ts'
import { startLab, type Lab } from '../tests/browser/lab-page.ts'
import { ensureSetup } from '../kernel/setup/setup.ts'
import {
  contestants,
  peersJupyter,
  type Contestant,
  type Field,
  type PeersJupyter,
} from './peers/charts/contestants.ts'
import { PeerMissing } from './peers/fetch.ts'
import { raceInJupyter, type RaceResult } from './peers/charts/race.ts'
import type { BenchSetup, Measurement } from './bench.ts'
import type { Browser } from 'playwright-core'

const SECONDS = Number(process.env['RIFFLE_BENCH_CHART_SECONDS'] ?? 6)
const LONG_SECONDS = Number(process.env['RIFFLE_BENCH_CHART_MINUTES'] ?? 0.25) * 60

let lab: Lab
let browser: Browser
let peers: PeersJupyter | undefined
let racing: readonly Contestant[]

export const setup: BenchSetup = async () => {
  await ensureSetup()
  const wanted = (process.env['RIFFLE_PEERS'] ?? '').split(',').filter(name => name !== '')
  const known = contestants.filter(({ name }) => name === 'riffle' || wanted.length === 0 || wanted.includes(name))
  try {
    peers = await peersJupyter()
    racing = known
  } catch (error) {
    if (!(error instanceof PeerMissing)) throw error
    process.stdout.write(`${error.message}\n`)
    racing = known.slice(0, 1)
  }
  lab = await startLab([], peers?.env ?? {})
  browser = await launchChromium()
  return async () => {
    await browser.close()
    await lab.stop()
    peers?.remove()
  }
}

interface Race extends Field {
  readonly name: string
  readonly seconds: number
  /** The file and the heap are what counts. */
  readonly saved?: boolean
}

const races: readonly Race[] = [
  { name: '1k', charts: 1, points: 1000, seconds: SECONDS },
  { name: '10k', charts: 1, points: 10_000, seconds: SECONDS },
  { name: '4-charts', charts: 4, points: 1000, seconds: SECONDS },
  { name: '10-charts', charts: 10, points: 1000, seconds: SECONDS },
]
const long: Race = { name: 'long', charts: 1, points: 1000, seconds: LONG_SECONDS, saved: true }

const results = new Map<Race, Promise<ReadonlyMap<string, RaceResult>>>()

/** All of a race at once, once: its figures are several measurements. */
function resultsOf(race: Race): Promise<ReadonlyMap<string, RaceResult>> {
  let running = results.get(race)
  if (running === undefined) results.set(race, (running = run(race)))
  return running
}

async function run(race: Race): Promise<ReadonlyMap<string, RaceResult>> {
  const found = new Map<string, RaceResult>()
  for (const contestant of racing.filter(({ mostCharts = Infinity }) => race.charts <= mostCharts)) {
    try {
      found.set(contestant.name, await raceInJupyter(browser, lab, contestant, race))
    } catch (error) {
      // One that draws nothing has no figure; the others have theirs.
      process.stdout.write(`${contestant.name}, ${race.name}: ${String(error).split('\n', 1)[0]}\n`)
      if (contestant.name === 'riffle') throw error
    }
  }
  return found
}

function measurement(race: Race, name: string, unit: Measurement['unit'], key: keyof RaceResult): Measurement {
  return {
    name: `charts.beside-${name}-${race.name}`,
    unit,
    runs: 1,
    measure: async () =>
      Object.fromEntries(
        [...(await resultsOf(race))].flatMap(([who, { [key]: value }]) => (value === undefined ? [] : [[who, value]])),
      ),
  }
}

export const measurements: readonly Measurement[] = [
  ...races.flatMap(race => [
    measurement(race, 'main-thread-ms-per-update', 'ms', 'msPerUpdate'),
    measurement(race, 'main-thread-ms-per-picture', 'ms', 'msPerPicture'),
    measurement(race, 'pictures-per-s', 'pictures/s', 'picturesPerS'),
    measurement(race, 'painted-p50', 'ms', 'p50'),
    measurement(race, 'painted-p95', 'ms', 'p95'),
  ]),
  measurement(long, 'heap-growth-mb', 'MB', 'heapGrowthMb'),
  measurement(long, 'notebook-kb', 'kB', 'notebookKb'),
]
