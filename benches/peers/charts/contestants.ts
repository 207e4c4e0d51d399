/**
 * Who races: each in a notebook of its own in one JupyterLab, five lines a chart, a row a line every 100 ms, made in its kernel. The
 * peers' side is `chart_peers.py`; ours is the cell below.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { packageRoot } from '../../../kernel/setup/places.ts'
import { pythonWith } from '../fetch.ts'

export interface Field {
  readonly charts: number
  readonly points: number
}

export interface Contestant {
  readonly name: string
  readonly kernel: string
  readonly language: string
  /** More it cannot show in one page. */
  readonly mostCharts?: number
  /** The cell that shows the charts and goes on feeding them. */
  cell(field: Field): string
}

/** The time axis has one label, the newest time: by it the page's probe knows which rows a picture shows. */
const NEWEST = { values: { expr: "[domain('x')[1]]" }, labelExpr: "'' + (+datum.value)", labelFlush: false }
const SPEC = JSON.stringify({ encoding: { x: { axis: NEWEST } } })

const riffle: Contestant = {
  name: 'riffle',
  kernel: 'riffle',
  language: 'typescript',
  cell: ({ charts, points }) => `
const made = (at: number) => [0, 1, 2, 3, 4].map(i => ({ k: 'k' + i, at: new Date(at), n: Math.sin(at / 900 + i) * 50 + 60 }))
const feeds = Array.from({ length: ${charts} }, () => feed<{ k: string; at: Date; n: number }>({ time: 'at' }))
for (const rows of feeds) display(rows.chart({ mark: 'line', x: 'at', y: 'n', color: 'k', keep: ${points}, fps: 20, spec: ${SPEC} }))
const began = Date.now()
await Promise.all(feeds.map(async rows => {
  for (let tick = ${points / 5}; tick > 0; tick--) await Promise.all(made(began - tick * 100).map(row => rows.push(row)))
}))
setInterval(() => {
  const now = made(Date.now())
  for (const rows of feeds) for (const row of now) void rows.push(row)
}, 100);`,
}

const python = (name: string): Contestant => ({
  name,
  kernel: 'chart-peers',
  language: 'python',
  cell: ({ charts, points }) =>
    `import chart_peers\nawait chart_peers.race(${JSON.stringify(name)}, charts=${charts}, points=${points})`,
})

export const contestants: readonly Contestant[] = [
  riffle,
  ...['bare', 'jupyterlab-vega', 'altair', 'bokeh', 'plotly'].map(python),
  // Each of its widgets defines the same elements in the page anew, which a browser refuses for the second.
  { ...python('perspective'), mostCharts: 1 },
]

export interface PeersJupyter {
  /** Variables with which a Jupyter server knows the peers' kernel and their extensions. */
  readonly env: NodeJS.ProcessEnv
  remove(): void
}

/** The environment of the peers, brought at its first use; throws PeerMissing. */
export async function peersJupyter(): Promise<PeersJupyter> {
  const interpreter = await pythonWith('charts')
  const folder = mkdtempSync(join(tmpdir(), 'riffle-chart-peers-'))
  const spec = join(folder, 'kernels/chart-peers')
  mkdirSync(spec, { recursive: true })
  const bare = join(folder, 'bare.mjs')
  await build({
    entryPoints: [join(packageRoot, 'extension/page/bare-anywidget.ts')],
    bundle: true,
    outfile: bare,
    format: 'esm',
    target: 'es2022',
    logLevel: 'error',
  })
  writeFileSync(
    join(spec, 'kernel.json'),
    JSON.stringify({
      argv: [interpreter, '-m', 'ipykernel_launcher', '-f', '{connection_file}'],
      display_name: 'Chart peers',
      language: 'python',
      env: { PYTHONPATH: import.meta.dirname, PYTHONDONTWRITEBYTECODE: '1', BARE_WIDGET: bare },
    }),
  )
  const brought = join(interpreter, '../../share/jupyter/labextensions')
  mkdirSync(join(folder, 'labextensions'))
  // Perspective's extension and its widget both define the same elements in the page: the second is refused. The widget races.
  for (const name of readdirSync(brought).filter(each => each !== '@perspective-dev'))
    symlinkSync(join(brought, name), join(folder, 'labextensions', name))
  return {
    env: { JUPYTER_PATH: folder },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
