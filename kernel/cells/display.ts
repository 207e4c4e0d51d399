/**
 * Values as MIME bundles, and the `display` function of a cell. Text comes from util.inspect, which survives circular data,
 * proxies and bigint; what a value's own methods throw becomes text as well, never a failed cell. HTML made here escapes
 * everything that came from a value.
 */
import { inspect } from 'node:util'
import { randomUUID } from 'node:crypto'
import type { Channel } from './channel.ts'
import type { Runs } from './run.ts'

export type Bundle = Record<string, unknown>

const displaySymbol = Symbol.for('Jupyter.display')
const mimeType = /^[a-z]+\/[a-z0-9][a-z0-9!#$&^_.+-]*$/i

export function textOfValue(value: unknown): string {
  try {
    return inspect(value, { depth: 4, maxArrayLength: 100, maxStringLength: 10_000, breakLength: 100 })
  } catch (error) {
    return `[value that cannot be shown: ${error instanceof Error ? error.message : 'its own text failed'}]`
  }
}

/** A plain object whose keys are all MIME types. */
export function isBundle(value: unknown): value is Bundle {
  if (typeof value !== 'object' || value === null) return false
  try {
    const keys = Object.keys(value)
    return keys.length > 0 && keys.every(key => mimeType.test(key))
  } catch {
    return false
  }
}

/** May await: a class may answer `[Symbol.for('Jupyter.display')]()` with a promise. */
export async function bundleOf(value: unknown): Promise<Bundle> {
  const own = ownDisplay(value)
  if (own !== undefined) {
    const made = await own()
    if (isBundle(made)) return plainBundle(made)
    return { 'text/plain': textOfValue(made) }
  }
  if (isBundle(value)) return plainBundle(value)
  const table = rowsTable(value)
  const text = { 'text/plain': textOfValue(value) }
  return table === undefined ? text : { 'text/html': table, ...text }
}

/** The same without waiting, for `display()` of anything that does not answer with a promise. */
export function bundleNow(value: unknown): Bundle | Promise<Bundle> {
  if (ownDisplay(value) !== undefined) return bundleOf(value)
  if (isBundle(value)) return plainBundle(value)
  const table = rowsTable(value)
  return { ...(table === undefined ? {} : { 'text/html': table }), 'text/plain': textOfValue(value) }
}

function ownDisplay(value: unknown): (() => unknown) | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined
  try {
    const method = (value as Record<symbol, unknown>)[displaySymbol]
    return typeof method === 'function' ? () => (method as () => unknown).call(value) : undefined
  } catch {
    return undefined
  }
}

/** JSON without what a Jupyter message cannot hold: bytes become base64, bigint text, NaN null. */
function plainBundle(bundle: Bundle): Bundle {
  const plain: Bundle = {}
  for (const [mime, value] of Object.entries(bundle)) {
    if (value instanceof Uint8Array) plain[mime] = Buffer.from(value).toString('base64')
    else if (typeof value === 'string') plain[mime] = value
    else plain[mime] = jsonSafe(value)
  }
  if (!('text/plain' in plain)) plain['text/plain'] = `[${Object.keys(bundle).join(', ')}]`
  return plain
}

function jsonSafe(value: unknown): unknown {
  const seen: object[] = []
  try {
    return JSON.parse(
      JSON.stringify(value, function (this: unknown, _key, each: unknown) {
        if (typeof each === 'bigint') return String(each)
        if (each instanceof Map) return Object.fromEntries(each) as unknown
        if (each instanceof Set) return [...(each as Set<unknown>)]
        while (seen.length > 0 && seen.at(-1) !== this) seen.pop()
        if (typeof each === 'object' && each !== null) {
          if (seen.includes(each)) return '[circular]'
          seen.push(each)
        }
        return each
      }) ?? 'null',
    )
  } catch {
    return textOfValue(value)
  }
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, letter => `&#${letter.charCodeAt(0)};`)
}

const TABLE_ROWS = 50
const TABLE_COLUMNS = 30

function isRow(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Rows of plain objects as a table; undefined for anything else. */
export function rowsTable(value: unknown): string | undefined {
  try {
    if (!Array.isArray(value) || value.length === 0) return undefined
    const rows: unknown[] = value.slice(0, TABLE_ROWS)
    if (!rows.every(isRow)) return undefined
    const columns = [...new Set(rows.flatMap(row => Object.keys(row)))].slice(0, TABLE_COLUMNS)
    if (columns.length === 0) return undefined
    // Jupyter aligns all cells to the right, which is meant for numbers, and breaks an instant at its hyphens.
    const styles = columns.map(name => (rows.every(row => isNumber(row[name])) ? '' : ` style="${textStyle}"`))
    const head = columns.map((name, i) => `<th${styles[i]}>${escapeHtml(name)}</th>`).join('')
    const body = rows.map(
      row =>
        `<tr>${columns.map((name, i) => `<td${styleOf(row[name], styles[i]!)}>${cellText(row[name])}</td>`).join('')}</tr>`,
    )
    const more = value.length > TABLE_ROWS ? `<p>${value.length - TABLE_ROWS} more rows</p>` : ''
    return `<table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table>${more}`
  } catch {
    return undefined
  }
}

const textStyle = 'text-align:left'
const instant = /^-?\d{4,6}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?$/

/** A number, or nothing where others have one. */
function isNumber(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint' || value === undefined || value === null
}

function styleOf(value: unknown, style: string): string {
  const isInstant = value instanceof Date || (typeof value === 'string' && instant.test(value))
  return isInstant ? ` style="${textStyle};white-space:nowrap"` : style
}

function cellText(value: unknown): string {
  if (value === undefined) return ''
  if (typeof value === 'bigint') return String(value)
  return escapeHtml(typeof value === 'string' ? value : inspect(value, { depth: 1, breakLength: Infinity }))
}

export interface DisplayHandle {
  readonly id: string
  /** Shows `value` in the same place. */
  update(value: unknown): DisplayHandle
}

export interface Display {
  /** Shows a value now, at this place of the output. */
  (value: unknown): DisplayHandle
  html(text: string): DisplayHandle
  svg(text: string): DisplayHandle
  /** PNG bytes, or base64 text. */
  png(bytes: Uint8Array | string): DisplayHandle
  markdown(text: string): DisplayHandle
  json(value: unknown): DisplayHandle
  /** A Vega-Lite specification. */
  vega(spec: Record<string, unknown>): DisplayHandle
  /** Rows as a table. */
  table(rows: Iterable<Record<string, unknown>>): DisplayHandle
  /** Empties the cell's output; with `wait`, when the next output comes. */
  clear(options?: { readonly wait?: boolean }): void
}

const handles = new WeakSet<object>()

/** What `display()` gives back: as the last expression of a cell it shows nothing more. */
export function isHandle(value: unknown): boolean {
  return typeof value === 'object' && value !== null && handles.has(value)
}

export function createDisplay(channel: Channel, runs: Runs): Display {
  const publish = (msgType: 'display_data' | 'update_display_data', parentId: string, id: string, data: Bundle): void =>
    channel.send({ type: 'message', parentId, msgType, content: { data, metadata: {}, transient: { display_id: id } } })

  const show = (value: unknown): DisplayHandle => {
    const id = randomUUID()
    const put = (msgType: 'display_data' | 'update_display_data', shown: unknown): void => {
      // An update belongs to the cell that makes it: nbclient hears no other cell than the one that runs.
      const parentId = runs.parentId
      const bundle = bundleNow(shown)
      if (!(bundle instanceof Promise)) return publish(msgType, parentId, id, bundle)
      // The place is taken now, so that a later display stays below.
      if (msgType === 'display_data') publish(msgType, parentId, id, { 'text/plain': '' })
      bundle.then(
        made => publish('update_display_data', parentId, id, made),
        (error: unknown) => publish('update_display_data', parentId, id, { 'text/plain': textOfValue(error) }),
      )
    }
    put('display_data', value)
    const handle: DisplayHandle = {
      id,
      update: next => {
        put('update_display_data', next)
        return handle
      },
    }
    handles.add(handle)
    return handle
  }
  const display = show as Display
  display.html = text => show({ 'text/html': text, 'text/plain': '[HTML]' })
  display.svg = text => show({ 'image/svg+xml': text, 'text/plain': '[SVG]' })
  display.png = bytes => show({ 'image/png': bytes, 'text/plain': '[PNG]' })
  display.markdown = text => show({ 'text/markdown': text, 'text/plain': text })
  display.json = value => show({ 'application/json': jsonSafe(value), 'text/plain': textOfValue(value) })
  display.vega = spec => show({ 'application/vnd.vegalite.v5+json': spec, 'text/plain': '[Vega-Lite]' })
  display.table = rows => {
    const list = [...rows]
    return show({ 'text/html': rowsTable(list) ?? '<p>No rows</p>', 'text/plain': textOfValue(list) })
  }
  display.clear = options =>
    channel.send({
      type: 'message',
      parentId: runs.parentId,
      msgType: 'clear_output',
      content: { wait: options?.wait ?? false },
    })
  return display
}
