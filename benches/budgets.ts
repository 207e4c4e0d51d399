/** The budgets of the product, by measurement. Times are for two cores; a slower machine may set RIFFLE_BENCH_FACTOR. */
export interface Budget {
  readonly name: string
  readonly atMost?: number
  readonly atLeast?: number
  /** How good a result is, which no slower machine excuses. */
  readonly quality?: true
}

/** Where a Stop has to reach. */
const places = [
  'loop',
  'await',
  'loop-after-await',
  'async-function',
  'timer',
  'regular-expression',
  'child-process',
  'prompt',
]

export const budgets: readonly Budget[] = [
  { name: 'kernel.start-ms', atMost: 250 },
  { name: 'kernel.first-cell-ms', atMost: 100 },
  { name: 'kernel.first-cell-typed-ms', atMost: 600 },
  { name: 'kernel.trivial-cell-ms', atMost: 3 },
  { name: 'kernel.trivial-cell-typed-ms', atMost: 45 },
  { name: 'kernel.trivial-cell-saturated-ratio', atMost: 2 },
  { name: 'kernel.printed-lines-3000-ms', atMost: 300 },
  { name: 'kernel.printed-lines-20000-ms', atMost: 300 },
  { name: 'kernel.completion-warm-ms', atMost: 7 },
  { name: 'kernel.completion-200-cells-ms', atMost: 50 },
  { name: 'kernel.completion-first-ms', atMost: 600 },
  ...places.map(place => ({ name: `kernel.interrupt-ms/${place}`, atMost: 100 })),
  { name: 'kernel.heartbeat-ms/p50', atMost: 5 },
  { name: 'kernel.heartbeat-ms/p99', atMost: 20 },
  { name: 'kernel.memory-mb/total', atMost: 250 },
  { name: 'kernel.memory-200-cells-mb/total', atMost: 330 },
  { name: 'data.avro-window-ratio', atLeast: 0.8 },
  { name: 'engine.tumbling-events-per-s', atLeast: 5_000_000 },
  { name: 'engine.tumbling-100k-keys-events-per-s', atLeast: 3_000_000 },
  { name: 'engine.tumbling-to-hand-written-ratio', atLeast: 0.8 },
  { name: 'engine.tumbling-100k-keys-to-hand-written-ratio', atLeast: 0.8 },
  ...['W1-1k', 'W1-100k', 'W2-1k', 'W2-100k', 'W3-100k', 'W6-100k', 'W7-100k', 'K-100k'].flatMap(cell =>
    beside('engine', cell),
  ),
  { name: 'engine.disorder-ratio/w1-100k', atLeast: 0.85 },
  { name: 'engine.disorder-ratio/w2-100k', atLeast: 0.85 },
  { name: 'engine.stall-10m-keys-ms', atMost: 100 },
  { name: 'engine.bytes-per-key', atMost: 64 },
  ...['W4-100k', 'W5-100k'].flatMap(cell => beside('joins', cell)),
  ...['login', 'card', 'abc'].flatMap(pattern =>
    ['1k', '1M'].map(keys => ({ name: `cep.${pattern}-to-flink-ratio/${keys}`, atLeast: 10 })),
  ),
  { name: 'cep.bytes-per-partial-match', atMost: 100 },
  { name: 'charts.produced-to-painted-ms/p50', atMost: 100 },
  { name: 'charts.produced-to-painted-ms/p95', atMost: 250 },
  { name: 'charts.frame-main-thread-ms', atMost: 8 },
  { name: 'charts.ten-charts-frame-main-thread-ms', atMost: 4 },
  { name: 'scoring.autoencoder-to-loop-ratio', atLeast: 0.8 },
  ...['range', 'ewma', 'rolling-z'].map(name => ({ name: `scoring.rows-per-s/${name}`, atLeast: 5_000_000 })),
  { name: 'scoring.dense-rows-per-cpu-s/riffle/256', atLeast: 5_000_000 },
  { name: 'scoring.dense-rows-per-cpu-s/riffle/1', atLeast: 1_000_000 },
  { name: 'scoring.dense-rows-per-cpu-s/ratio-1-to-tensorflow.js', atLeast: 50 },
  { name: 'scoring.dense-rows-per-cpu-s/ratio-1-to-numpy', atLeast: 20 },
  { name: 'scoring.detector-rows-per-cpu-s/half-space-trees-to-river', atLeast: 50 },
  { name: 'scoring.detector-rows-per-cpu-s/rrcf-to-rrcf', atLeast: 50 },
  { name: 'scoring.detector-rows-per-cpu-s/riffle/rrcf', atLeast: 4000 },
  { name: 'scoring.training-cpu-s/riffle', atMost: 0.5 },
  { name: 'scoring.training-cpu-s/ratio', atLeast: 5 },
  { name: 'scoring.training-cpu-s/cars-riffle', atMost: 2 },
  { name: 'scoring.training-cpu-s/cars-ratio', atLeast: 5 },
  { name: 'scoring.tensorflow-path/ratio-to-bare/256', atLeast: 0.8 },
  { name: 'scoring.tensorflow-path/ratio-to-bare/1024', atLeast: 0.8 },
  { name: 'scoring.tensorflow-path/rows-per-cpu-s/256', atLeast: 1_000_000 },
  { name: 'scoring.stream-200k/core-share', atMost: 0.25 },
  { name: 'scoring.stream-200k/p99-added-ms', atMost: 15 },
  { name: 'scoring.first-score-ms/tensorflow.js', atMost: 400 },
  { name: 'scoring.first-score-ms/detector', atMost: 20 },
  { name: 'scoring.grown-after-50m-rows/tensors', atMost: 0, quality: true },
  { name: 'scoring.grown-after-50m-rows/rss-mb', atMost: 20 },
  { name: 'scoring.heartbeat-beside-training-ms/most', atMost: 20 },
  { name: 'scoring.threshold-1m-ms/one', atMost: 50 },
  { name: 'scoring.threshold-1m-ms/curve', atMost: 300 },
  { name: 'scoring.nab-standard/ensemble', atLeast: 0.65, quality: true },
  { name: 'scoring.nab-standard/ensemble-low-fp', atLeast: 0.59, quality: true },
  { name: 'scoring.nab-standard/ensemble-low-fn', atLeast: 0.69, quality: true },
  { name: 'scoring.nab-standard/ensemble-two-fold', atLeast: 0.61, quality: true },
  { name: 'scoring.nab-corpus-cpu-s', atMost: 10 },
  { name: 'scoring.sensors-f1/auto', atLeast: 0.74, quality: true },
  { name: 'scoring.sensors-f1/autoencoder', atLeast: 0.74, quality: true },
]

/** Six tenths of the loop written by hand, and ahead of every stream engine. */
function beside(area: string, cell: string): readonly Budget[] {
  const name = `${area}.${cell.toLowerCase()}-ratio`
  return [
    { name: `${name}/loop`, atLeast: 0.6 },
    { name: `${name}/streaming-peer`, atLeast: 1 },
  ]
}

export interface Verdict {
  readonly within: boolean
  readonly text: string
}

/** How `value` stands to its budget; undefined when there is none. `factor` above 1 loosens absolute budgets, never ratios or quality. */
export function judge(name: string, value: number, factor = 1): Verdict | undefined {
  const budget = budgets.find(each => each.name === name)
  if (budget === undefined) return undefined
  const slack = budget.quality === true || name.includes('ratio') ? 1 : factor
  if (budget.atMost !== undefined) {
    const limit = budget.atMost * slack
    return { within: value <= limit, text: `at most ${limit}` }
  }
  const limit = (budget.atLeast ?? 0) / slack
  return { within: value >= limit, text: `at least ${limit}` }
}
