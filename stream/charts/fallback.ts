/**
 * The MIME bundles that show a chart or a param: live for our extension, Vega-Lite 5 with the last frame for everybody
 * else's, text for the rest. Every saved notebook is drawn from these.
 */
import { DATASET, LIVE_MIME, PARAM_MIME, PROTOCOL_VERSION } from './protocol.ts'
import { CalmDomain, DENSE_ROWS, openFrom, timeDomain } from './domains.ts'
import { coloursWithOther } from './other-colours.ts'
import { pictureRows } from './picture-rows.ts'
import { rowsText } from './row-text.ts'
import { chartText } from './text.ts'
import type { Domain } from './domains.ts'
import type { ChartRow, FiledBundle, LiveBundle, MimeBundle, ParamBundle } from './protocol.ts'

export const VEGALITE_MIME = 'application/vnd.vegalite.v5+json'
const SAVED = { rows: 500, bytes: 200_000 }

/** The bundle of a chart with its last frame. `rows` in order of arrival. */
export function chartBundle(live: LiveBundle, zone?: string): MimeBundle {
  const { title, columns, retention, last } = live
  const spec = staticSpec(live)
  return {
    [LIVE_MIME]: live,
    ...(spec === null ? {} : { [VEGALITE_MIME]: spec }),
    'text/plain': chartText({
      title,
      columns,
      rows: last.rows,
      retention,
      status: last.status,
      zone,
      changes: last.changes,
    }),
  }
}

/** The same as it is kept in the file of a notebook, where each field of a row would take a line of its own. */
export function fileBundle(live: LiveBundle, zone?: string): MimeBundle {
  const bundle = chartBundle(live, zone)
  const spec = bundle[VEGALITE_MIME] as Record<string, unknown> | undefined
  return {
    ...bundle,
    [LIVE_MIME]: { ...live, last: { ...live.last, rows: rowsText(live.last.rows) } } satisfies FiledBundle,
    ...(spec === undefined ? {} : { [VEGALITE_MIME]: withoutOwnFields(spec) }),
  }
}

/** Fields that only we know by name (`$key`) and that the spec does not draw are of no use to who draws without us. */
function withoutOwnFields(spec: Record<string, unknown>): Record<string, unknown> {
  const { values, ...named } = spec['data'] as { name: string; values: readonly ChartRow[] }
  const drawn = JSON.stringify({ ...spec, data: null })
  const unused = new Set(
    values.flatMap(row => Object.keys(row)).filter(name => name.startsWith('$') && !drawn.includes(name)),
  )
  const kept = values.map(row => Object.fromEntries(Object.entries(row).filter(([name]) => !unused.has(name))))
  return { ...spec, data: { ...named, values: kept } }
}

/** The spec with the last frame inside and its params at rest: what draws without us. */
export function staticSpec({
  spec,
  retention,
  last,
}: Pick<LiveBundle, 'spec' | 'retention' | 'last'>): Record<string, unknown> | null {
  if (spec === null) return null
  const rows = pictureRows(spec, last.rows, last.status)
  const values = restingParams(spec, rows, retention)
  const category = coloursWithOther(spec)
  return {
    ...spec,
    data: { name: DATASET, values: rows },
    ...(category === undefined ? {} : { config: { ...(spec['config'] as object), range: { category } } }),
    params: paramsOf(spec).map(param =>
      nameOf(param) in values ? { name: nameOf(param), value: values[nameOf(param)] } : param,
    ),
  }
}

export type ParamValues = Readonly<Record<string, number | boolean>>

/** Values of the params of a generated spec for rows that stand still. */
export function restingParams(
  spec: Readonly<Record<string, unknown>>,
  rows: readonly ChartRow[],
  retention: LiveBundle['retention'],
): ParamValues {
  return paramValues(spec, rows, retention, field => new CalmDomain().update(rows, field, 0))
}

/** Values of those of the params `xMin xMax yMin yMax openFrom dense` that the spec has and the rows decide. */
export function paramValues(
  spec: Readonly<Record<string, unknown>>,
  rows: readonly ChartRow[],
  retention: LiveBundle['retention'],
  valueDomain: (field: string) => Domain | null,
): ParamValues {
  const names = new Set(paramsOf(spec).map(nameOf))
  const x = channelField(spec, 'x')
  const y = channelField(spec, 'y')
  const time = names.has('xMin') ? timeAxis(spec, rows, retention) : null
  const value = y !== null && names.has('yMin') ? valueDomain(y) : null
  return {
    ...(time === null ? {} : { xMin: time.min, xMax: time.max }),
    ...(value === null ? {} : { yMin: value.min, yMax: value.max }),
    ...(x !== null && names.has('openFrom') ? { openFrom: openFrom(rows, x) } : {}),
    ...(names.has('dense') ? { dense: rows.length > DENSE_ROWS } : {}),
  }
}

/** Where the time axis of a plot stands; null when it has none. A bar from `x` to `x2` is shown whole. */
function timeAxis(
  spec: Readonly<Record<string, unknown>>,
  rows: readonly ChartRow[],
  retention: LiveBundle['retention'],
): Domain | null {
  const x = channelField(spec, 'x')
  if (x === null) return null
  const x2 = channelField(spec, 'x2')
  const from = timeDomain(rows, x, retention)
  const to = x2 === null ? from : timeDomain(rows, x2, retention)
  return from === null || to === null ? null : { min: from.min, max: to.max }
}

function paramsOf(spec: Readonly<Record<string, unknown>>): readonly unknown[] {
  return Array.isArray(spec['params']) ? spec['params'] : []
}

function nameOf(param: unknown): string {
  return typeof param === 'object' && param !== null && 'name' in param ? String(param.name) : ''
}

/** Field of a channel of the plot as a whole; null when it has none. */
export function channelField(
  spec: Readonly<Record<string, unknown>>,
  channel: 'x' | 'x2' | 'y' | 'color',
): string | null {
  const encoding = spec['encoding']
  if (typeof encoding !== 'object' || encoding === null) return null
  const told: unknown = (encoding as Record<string, unknown>)[channel]
  return typeof told === 'object' && told !== null && 'field' in told && typeof told.field === 'string'
    ? told.field
    : null
}

/** The newest rows that fit: of a saved frame at most 500, at most 200 kB, in order of arrival. */
export function savedRows(
  rows: readonly ChartRow[],
  limits: { readonly rows: number; readonly bytes: number } = SAVED,
): ChartRow[] {
  const newest: ChartRow[] = []
  let bytes = 0
  for (let i = rows.length - 1; i >= 0 && newest.length < limits.rows; i--) {
    const row = rows[i]
    if (row === undefined) continue
    bytes += JSON.stringify(row).length + 1
    if (bytes > limits.bytes) break
    newest.push(row)
  }
  return newest.reverse()
}

/** The bundle of a `param`. */
export function paramBundle(param: Omit<ParamBundle, 'protocol'>): MimeBundle {
  return {
    [PARAM_MIME]: { protocol: PROTOCOL_VERSION, ...param },
    'text/plain': `${param.name} = ${String(param.value)}`,
  }
}
