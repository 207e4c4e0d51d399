import assert from 'node:assert/strict'
import { readFileSync, existsSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import * as vega from 'vega'
import { compile } from 'vega-lite'
import { chartSpec } from './spec.ts'
import { drawnMarks } from './marks.ts'
import { overlay } from './overlay.ts'
import { restingParams, staticSpec } from './fallback.ts'
import { retentionFor } from './retain.ts'
import { zoneOffsetMs } from './zone.ts'
import { emptyStatus } from './chart.ts'
import type { ChartColumn, ChartOptions, ChartRow } from './protocol.ts'
import { EMPTY_JOIN, lanesRows } from './lanes.ts'
import type { ChartConcept, ScoresConcept } from './concept.ts'
import type { DrawnMark } from './marks.ts'
import type { Spec, SpecRequest } from './spec.ts'

const WINDOWS: ChartConcept = {
  form: 'window',
  by: ['region'],
  aggregates: ['revenue'],
  stepMs: 10_000,
  revisions: false,
}
const RUNNING: ChartConcept = { form: 'running', by: ['region'], aggregates: ['count'], revisions: false }
const ROWS: ChartConcept = { form: 'rows', by: [], aggregates: [], revisions: false }
const SCORES: ScoresConcept = {
  features: ['temp', 'vibration'],
  by: ['region'],
  param: 'limit',
  compares: 'value',
  source: 'sensors',
}
const JOIN = { kind: 'interval', type: 'left', text: 'left join within -5m..5m on id', names: ['orders', 'payments'] } as const // prettier-ignore
const SCORED_COLUMNS: readonly ChartColumn[] = [
  { name: 'region', kind: 'text' },
  { name: 'temp', kind: 'number' },
  { name: 'score', kind: 'number' },
]
const COLUMNS: readonly ChartColumn[] = [
  { name: 'region', kind: 'text' },
  { name: 'windowStart', kind: 'instant' },
  { name: 'windowEnd', kind: 'instant' },
  { name: 'revenue', kind: 'number' },
]

function request(concept: ChartConcept, options: ChartOptions = {}, columns = COLUMNS): SpecRequest {
  return {
    concept,
    options,
    columns,
    retention: retentionFor(concept, options),
    series: ['north', 'south'],
    title: 'demo',
  }
}

/** One spec per form of chart: each has a golden file beside it and is drawn below. */
const FORMS: Readonly<Record<string, SpecRequest>> = {
  'matches-timeline': request({ ...ROWS, pattern: { steps: ['login', 'purchase'], rows: 'matches' } }, {}, []),
  'join-lanes': request({ ...ROWS, join: JOIN }, {}, []),
  'scores-by-key': request({ ...ROWS, scores: SCORES }, {}, SCORED_COLUMNS),
  'scores-as-rare-as': request({ ...ROWS, scores: { ...SCORES, by: [], compares: 'oneIn' } }, {}, SCORED_COLUMNS),
  'window-line': request(WINDOWS),
  'window-line-two-keys': request({ ...WINDOWS, by: ['region', 'card'] }),
  'window-bar': request(WINDOWS, { mark: 'bar' }),
  'window-area': request(WINDOWS, { mark: 'area' }),
  'running-bar': request(RUNNING, {}, [
    { name: 'region', kind: 'text' },
    { name: 'count', kind: 'number' },
  ]),
  'running-number': request({ ...RUNNING, by: [] }, {}, [{ name: 'count', kind: 'number' }]),
  'rows-point': request(ROWS, { x: 'price', y: 'amount', color: 'region' }, [
    { name: 'price', kind: 'number' },
    { name: 'amount', kind: 'number' },
    { name: 'region', kind: 'text' },
  ]),
  'rows-line': request(ROWS, { mark: 'line', y: 'amount', keep: '5m', zone: 'Europe/Berlin', title: 'Amounts' }, [
    { name: 'amount', kind: 'number' },
  ]),
  'window-heatmap': request(WINDOWS, { mark: 'heatmap' }),
  'rows-heatmap': request(ROWS, { mark: 'heatmap', x: 'price', y: 'amount' }, [
    { name: 'price', kind: 'number' },
    { name: 'amount', kind: 'number' },
  ]),
  'running-heatmap': request({ ...RUNNING, by: ['region', 'card'] }, { mark: 'heatmap' }, [
    { name: 'region', kind: 'text' },
    { name: 'card', kind: 'text' },
    { name: 'count', kind: 'number' },
  ]),
  'rows-histogram': request(ROWS, { mark: 'histogram', x: 'amount' }, [{ name: 'amount', kind: 'number' }]),
  'window-histogram': request(WINDOWS, { mark: 'histogram', color: 'region' }),
  overlaid: request(WINDOWS, { spec: { height: 90, encoding: { y: { axis: { title: 'EUR' } } } } }),
  'own-brush': request(WINDOWS, { spec: { params: [{ name: 'brush', select: 'interval' }] } }),
  'own-layers': request(WINDOWS, {
    spec: { layer: [{ mark: 'rule', encoding: { x: { field: 'windowEnd', type: 'temporal' } } }] },
  }),
}

const { resolve } = createRequire(import.meta.url)

for (const [name, form] of Object.entries(FORMS)) {
  test(`${name}: the spec equals its golden file`, () => {
    const path = fileURLToPath(new URL(`./golden/${name}.json`, import.meta.url))
    const spec = JSON.parse(JSON.stringify(chartSpec(form))) as unknown
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, `${JSON.stringify(spec, null, 2)}\n`)
    assert.ok(existsSync(path), `run UPDATE_GOLDEN=1 once for ${name}`)
    assert.deepEqual(spec, JSON.parse(readFileSync(path, 'utf8')))
  })

  for (const [version, schema] of [
    ['6', 'vega-lite/vega-lite-schema.json'],
    ['5.6.1, which JupyterLab draws', 'vega-lite-v5/build/vega-lite-schema.json'],
  ] as const) {
    test(`${name}: the spec is valid Vega-Lite ${version}`, () => {
      const valid = validator(schema)
      const spec = JSON.parse(JSON.stringify(chartSpec(form))) as unknown
      assert.equal(valid(spec), true, JSON.stringify(valid.errors?.slice(0, 3)))
    })
  }
}

const validators = new Map<string, ReturnType<Ajv['compile']>>()
function validator(name: string): ReturnType<Ajv['compile']> {
  const known = validators.get(name)
  if (known !== undefined) return known
  const file = resolve(name)
  // The schema is large and well known: neither checked itself nor inlined nor optimized it compiles in a quarter of the time.
  const options = {
    strict: false,
    validateFormats: false,
    validateSchema: false,
    inlineRefs: false,
    code: { optimize: false },
  } as const
  const made = new Ajv(options).compile(JSON.parse(readFileSync(file, 'utf8')) as object)
  validators.set(name, made)
  return made
}

test('a plain stream, and marks `table` and `none`, have no spec', () => {
  assert.equal(chartSpec(request(ROWS)), null)
  assert.equal(chartSpec(request(WINDOWS, { mark: 'table' })), null)
  assert.equal(chartSpec(request(WINDOWS, { mark: 'none' })), null)
  assert.equal(chartSpec(request(ROWS, { mark: 'line' }, [])), null)
})

const T0 = Date.UTC(2026, 0, 1, 9)
const windowRow = (region: string, n: number, revenue: number, open = false): ChartRow => ({
  $key: `${region}${n}`,
  region,
  windowStart: T0 + n * 10_000,
  windowEnd: T0 + (n + 1) * 10_000,
  revenue,
  ...(open ? { $open: true } : {}),
})

async function draw(form: SpecRequest, rows: readonly ChartRow[]): Promise<DrawnMark[]> {
  const spec = chartSpec(form)
  assert.ok(spec !== null)
  const view = new vega.View(vega.parse(compile(spec as never).spec), { renderer: 'none' })
  for (const [name, value] of Object.entries(restingParams(spec, rows, form.retention))) view.signal(name, value)
  // As on a page: some rows first, the others later.
  for (const some of [rows.slice(0, rows.length / 2), rows.slice(rows.length / 2)]) {
    view.change('rows', vega.changeset().insert(some.map(row => ({ ...row }))))
    await view.runAsync()
  }
  const marks = drawnMarks((view.scenegraph() as unknown as { root: unknown }).root)
  view.finalize()
  return marks
}

const symbols = (marks: readonly DrawnMark[]): DrawnMark[] => marks.filter(mark => mark.type === 'symbol')

test('lanes draw rows that met filled, rows that wait hollow, and a line from side to side', async () => {
  const row = (number: number, side: 0 | 1, atMs: number, state: 'matched' | 'waiting' | 'unmatched') =>
    ({ number, side, key: 'k', atMs, state, untilMs: state === 'waiting' ? atMs + 9000 : null }) as const
  const rows = lanesRows({
    ...{ ...EMPTY_JOIN, ...JOIN, watermarkMs: T0 + 8000 },
    rows: [row(0, 0, T0, 'matched'), row(0, 1, T0 + 4000, 'matched'), row(1, 0, T0 + 7000, 'waiting'), row(2, 0, T0 + 1000, 'unmatched')], // prettier-ignore
    lines: [[0, 1]],
  })
  const marks = await draw(request({ ...ROWS, join: JOIN }, {}, []), rows)
  const dots = symbols(marks).filter(({ row }) => row['what'] === 'row')
  const state = (text: string): DrawnMark[] => dots.filter(({ row }) => row['state'] === text)
  assert.deepEqual(
    ['matched', 'waiting', 'no partner'].map(text => state(text).length),
    [2, 1, 1],
  )
  // The left side is above.
  const [left, right] = state('matched')
  assert.ok((left?.y ?? 0) < (right?.y ?? 0))
  assert.equal(marks.filter(({ type, row }) => type === 'line' && row['what'] === 'line').length > 0, true)
  assert.equal(marks.filter(({ type, row }) => type === 'rule' && row['what'] === 'stay').length, 1)
  const watermark = marks.find(({ type, row }) => type === 'rule' && row['what'] === 'watermark')
  const { x, y } = watermark ?? {}
  assert.ok(typeof x === 'number' && typeof y === 'number', 'the watermark has a place')
  // It begins above the lanes, right of the newest row.
  assert.ok(y < (left?.y ?? 0) && x > (state('waiting')[0]?.x ?? Infinity))
})

test('alerts are drawn on the value and on the score, in two lanes, as rows come', async () => {
  const form = request({ ...ROWS, scores: SCORES }, {}, SCORED_COLUMNS)
  const rows = Array.from({ length: 200 }, (_, i) => {
    const anomalous = i % 50 === 49
    const score = anomalous ? 9 : 1
    return {
      $key: `r${i}`,
      $at: T0 + 1000 * i,
      region: ['north', 'south'][i % 2],
      temp: i % 7,
      score,
      threshold: 5,
      anomalous,
    }
  })
  const marks = await draw(form, rows)
  const heights = symbols(marks).map(mark => Number(mark.y))
  assert.equal(heights.length, 8)
  // Each alert twice, the lanes apart.
  const [above, below] = [heights.sort((a, b) => a - b).slice(0, 4), heights.slice(4)]
  assert.ok(Math.min(...below) - Math.max(...above) > 10, JSON.stringify(heights))
  assert.ok(marks.some(mark => mark.type === 'area'))
})

test('finished windows are drawn filled, open ones hollow, later ones further right, larger ones higher', async () => {
  const form = request(WINDOWS)
  const marks = symbols(
    await draw(form, [
      windowRow('north', 0, 100),
      windowRow('north', 1, 300),
      windowRow('south', 1, 200),
      windowRow('north', 2, 50, true),
    ]),
  )
  assert.deepEqual(
    marks.map(({ row, fill }) => [
      row['region'],
      row['revenue'],
      fill === null || fill === 'transparent' ? 'hollow' : 'filled',
    ]),
    [
      ['north', 100, 'filled'],
      ['north', 300, 'filled'],
      ['south', 200, 'filled'],
      ['north', 50, 'hollow'],
    ],
  )
  const [first, second, other, open] = marks
  assert.ok(first?.x !== undefined && second?.x !== undefined && open?.x !== undefined)
  assert.ok(Number(first.x) < Number(second.x) && Number(second.x) < Number(open.x))
  assert.equal(second.x, other?.x)
  assert.ok(Number(second.y) < Number(other?.y) && Number(other?.y) < Number(first.y))
  assert.ok(Number(open.x) < 600)
})

test('beyond 400 rows a line has no dots, but open windows still have theirs', async () => {
  const rows = Array.from({ length: 401 }, (_, i) => windowRow('north', i, i))
  const form = { ...request(WINDOWS), retention: { rows: 1000, timeField: 'windowEnd', spanMs: 1e9 } }
  assert.equal(symbols(await draw(form, rows.slice(0, 400))).length, 400)
  assert.equal(symbols(await draw(form, rows)).length, 0)
  assert.equal(symbols(await draw(form, [...rows, windowRow('north', 401, 1, true)])).length, 1)
})

test('colours follow the order of the series, not of the rows', async () => {
  const form = request(WINDOWS)
  const strokeOf = async (rows: ChartRow[]): Promise<(string | null)[]> =>
    symbols(await draw(form, rows))
      .filter(({ row }) => row['region'] === 'south')
      .map(({ fill }) => fill)
  const [alone] = await strokeOf([windowRow('south', 0, 1)])
  const [after] = await strokeOf([windowRow('north', 0, 1), windowRow('south', 0, 1)])
  assert.ok(alone !== null && alone !== undefined)
  assert.equal(alone, after)
})

test('a running aggregate is one bar per key, at the place of the key', async () => {
  const form = FORMS['running-bar']
  assert.ok(form !== undefined)
  const marks = (
    await draw(form, [
      { $key: 'b', region: 'south', count: 10 },
      { $key: 'a', region: 'north', count: 20 },
    ])
  ).filter(mark => mark.type === 'rect')
  const byRegion = new Map(marks.map(mark => [mark.row['region'], mark]))
  assert.equal(byRegion.size, 2)
  assert.ok(Number(byRegion.get('north')?.x) < Number(byRegion.get('south')?.x))
  assert.equal(Number(byRegion.get('north')?.height), 2 * Number(byRegion.get('south')?.height))
})

test('bars of windows stand from start to end and are stacked on zero', async () => {
  const form = request(WINDOWS, { mark: 'bar' })
  const rects = (
    await draw(form, [windowRow('north', 0, 100), windowRow('south', 0, 50), windowRow('north', 1, 60)])
  ).filter(mark => mark.type === 'rect')
  const [north, south, next] = rects
  assert.ok(north !== undefined && south !== undefined && next !== undefined)
  assert.equal(rects.length, 3)
  const bottom = (mark: DrawnMark): number => Number(mark.y) + Number(mark.height)
  assert.ok(Math.abs(Number(north.height) - 2 * Number(south.height)) < 0.01)
  assert.ok(Math.abs(bottom(next) - Math.max(bottom(north), bottom(south))) < 0.01, 'all stand on zero')
  assert.equal(north.x, south.x)
  assert.ok(Number(next.x) >= Number(north.x) + Number(north.width))
  assert.ok(Number(north.width) > 200, `${north.width} px of 600 for one of two windows`)
})

test('a time axis without a span shows seconds for minutes and days for hours', async () => {
  const columns: ChartColumn[] = [
    { name: 'at', kind: 'instant' },
    { name: 'amount', kind: 'number' },
  ]
  const spec = chartSpec(request(ROWS, { x: 'at', y: 'amount' }, columns))
  const labels = async (spanMs: number): Promise<string> => {
    const view = new vega.View(vega.parse(compile(spec as never).spec), { renderer: 'none' })
    const from = Date.UTC(2026, 0, 1, 9)
    view.change(
      'rows',
      vega.changeset().insert([0, 1].map(i => ({ $key: String(i), at: from + i * spanMs, amount: i }))),
    )
    return (await view.runAsync()).toSVG()
  }
  assert.match(await labels(60_000), />09:00:30</)
  assert.match(await labels(86_400_000), />Jan 01 12:00</)
})

test('the number form draws the newest value as text', async () => {
  const form = FORMS['running-number']
  assert.ok(form !== undefined)
  const marks = await draw(form, [{ $key: '[]', count: 1234 }])
  assert.deepEqual(
    marks.map(mark => [mark.type, mark.row['count']]),
    [['text', 1234]],
  )
})

const rects = (marks: readonly DrawnMark[]): DrawnMark[] => marks.filter(mark => mark.type === 'rect')

test('a heat map of windows has a lane per key and a cell from start to end; equal values have one colour', async () => {
  const form = request(WINDOWS, { mark: 'heatmap' })
  const drawn = rects(
    await draw(form, [
      windowRow('north', 0, 100),
      windowRow('south', 0, 300),
      windowRow('north', 1, 300),
      windowRow('north', 2, 100, true),
    ]),
  )
  const [north, south, hot, open] = drawn
  assert.ok(north !== undefined && south !== undefined && hot !== undefined && open !== undefined)
  assert.equal(drawn.length, 4)
  assert.deepEqual([north.y === hot.y, north.y === south.y, north.x === south.x], [true, false, true])
  assert.ok(Number(hot.x) >= Number(north.x) + Number(north.width) - 1)
  assert.deepEqual([hot.fill === south.fill, hot.fill === north.fill], [true, false])
  assert.deepEqual([north.opacity, open.opacity], [1, 0.45])
})

test('a heat map of plain rows counts them in steps of both fields', async () => {
  const form = FORMS['rows-heatmap']
  assert.ok(form !== undefined)
  const point = (price: number, amount: number, i: number): ChartRow => ({ $key: String(i), price, amount })
  const drawn = rects(
    await draw(form, [point(0, 0, 1), point(0.1, 0.2, 2), point(60, 90, 3), point(60.5, 90.1, 4), point(60, 91, 5)]),
  )
  assert.deepEqual(
    drawn.map(({ row }) => Number(row['__count'])).sort((a, b) => a - b),
    [2, 3],
  )
})

test('a histogram counts finished rows by steps of its field', async () => {
  const drawn = rects(
    await draw(request(WINDOWS, { mark: 'histogram' }), [
      ...[1, 2, 3, 41, 42, 96].map((revenue, i) => windowRow('north', i, revenue)),
      windowRow('north', 9, 41, true),
    ]),
  )
  assert.deepEqual(
    drawn.map(({ row }) => [row['bin_maxbins_30_revenue'], row['__count']]),
    [
      [0, 3],
      [40, 2],
      [95, 1],
    ],
  )
  assert.equal(Math.round(Number(drawn[0]?.height)), Math.round(3 * Number(drawn[2]?.height)))
})

test('the static spec holds the rows and draws the same marks without any signal', async () => {
  const form = request(WINDOWS)
  const rows = [windowRow('north', 0, 100), windowRow('north', 1, 300)]
  const last = { sequence: 1, savedAt: null, rows, status: emptyStatus('ended') }
  const spec = staticSpec({ spec: chartSpec(form), retention: form.retention, last })
  const view = new vega.View(vega.parse(compile(spec as never).spec), { renderer: 'none' })
  await view.runAsync()
  const still = drawnMarks((view.scenegraph() as unknown as { root: unknown }).root)
  assert.deepEqual(symbols(still), symbols(await draw(form, rows)))
  assert.equal(symbols(still).length, 2)
})

test('the partial spec of a user is laid over: objects merge, a new field is a new channel, data stays', () => {
  const base: Spec = {
    data: { name: 'rows' },
    layer: [1],
    encoding: { x: { field: 'a', axis: { grid: false } }, y: { field: 'b', axis: { format: '~s' } } },
  }
  assert.deepEqual(
    overlay(base, { encoding: { x: { axis: { title: 'A' } }, y: { field: 'c' } }, data: { url: 'x' } }),
    {
      data: { name: 'rows' },
      layer: [1],
      encoding: { x: { field: 'a', axis: { grid: false, title: 'A' } }, y: { field: 'c' } },
    },
  )
  assert.deepEqual(overlay(base, { mark: 'bar' })['layer'], undefined)
  const params = [{ name: 'xMin', value: 0 }, { name: 'p' }]
  assert.deepEqual(overlay({ ...base, params }, { params: [{ name: 'brush' }, { name: 'p', value: 2 }] })['params'], [
    { name: 'xMin', value: 0 },
    { name: 'brush' },
    { name: 'p', value: 2 },
  ])
  assert.deepEqual(overlay(base, JSON.parse('{"__proto__":{"polluted":1}}') as Spec), base)
  assert.equal(({} as { polluted?: number }).polluted, undefined)
})

test('zones show what a clock on the wall shows there', () => {
  assert.equal(zoneOffsetMs('Europe/Berlin', Date.UTC(2026, 0, 1)), 3_600_000)
  assert.equal(zoneOffsetMs('Europe/Berlin', Date.UTC(2026, 6, 1)), 7_200_000)
  assert.equal(zoneOffsetMs('America/St_Johns', Date.UTC(2026, 0, 1)), -12_600_000)
  assert.equal(zoneOffsetMs('No/Where', 0), 0)
})
