/**
 * What a spec may hold before anything compiles it. A spec comes from a notebook file or a cell, so it may have been written
 * by anybody: whatever reaches the network, the page around the chart, or the renderer's own switches is taken out and named.
 */
import { isPlain } from './shape.ts'

export interface Validated {
  readonly spec: Record<string, unknown>
  /** Paths that were taken out, e.g. `data.url`. Empty: nothing was. */
  readonly removed: readonly string[]
}

const SIZE_LIMIT = 1_000_000
const DEPTH_LIMIT = 64
const MARKS = new Set(
  'arc area bar boxplot circle errorband errorbar geoshape line point rect rule square text tick trail'.split(' '),
)
/** Keys that load something or leave the chart, wherever they stand. */
const FORBIDDEN_KEYS = new Set(['url', 'href', 'usermeta', '__proto__', 'constructor', 'prototype'])

/** A cleaned copy of `spec`. Throws a plain Error that says what to change when it cannot be shown at all. */
export function validateSpec(spec: unknown): Validated {
  if (!isPlain(spec)) throw new Error('Cannot draw this spec: it is not an object')
  const depth = depthOf(spec, 0)
  if (depth > DEPTH_LIMIT) throw new Error(`Cannot draw this spec: it is nested deeper than ${DEPTH_LIMIT} levels`)
  const bytes = JSON.stringify(spec).length
  if (bytes > SIZE_LIMIT)
    throw new Error(`Cannot draw this spec: it has ${bytes} characters, ${SIZE_LIMIT} are allowed`)
  const removed: string[] = []
  const clean = cleanObject(spec, '', removed)
  return { spec: clean, removed }
}

function cleanObject(
  value: Readonly<Record<string, unknown>>,
  path: string,
  removed: string[],
): Record<string, unknown> {
  const clean: Record<string, unknown> = {}
  for (const [key, child] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`
    if (refused(key, child, path)) removed.push(at)
    else clean[key] = cleanValue(child, at, removed)
  }
  return clean
}

function cleanValue(value: unknown, path: string, removed: string[]): unknown {
  if (Array.isArray(value)) return value.map((child, index) => cleanValue(child, `${path}[${index}]`, removed))
  return isPlain(value) ? cleanObject(value, path, removed) : value
}

function refused(key: string, value: unknown, path: string): boolean {
  if (FORBIDDEN_KEYS.has(key)) return true
  // `bind.element` is a CSS selector: it would draw inputs into the page.
  if (key === 'element' && /(^|\.)bind(\.|$)/.test(path)) return true
  if (key === 'image' && path.endsWith('config')) return true
  // Event streams on the window or by selector reach beyond the chart.
  if (key === 'on' || key === 'clear') return typeof value === 'string' && /window|document|body|[#.]\w/.test(value)
  if (key === 'source' && path.includes('on')) return value === 'window'
  if (key === 'mark') return !allowedMark(value)
  return key === 'type' && path.endsWith('mark') && typeof value === 'string' && !MARKS.has(value)
}

function allowedMark(mark: unknown): boolean {
  if (typeof mark === 'string') return MARKS.has(mark)
  // `mark` is also the look of a brush, an object without a type.
  return isPlain(mark) && (mark['type'] === undefined || (typeof mark['type'] === 'string' && MARKS.has(mark['type'])))
}

function depthOf(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null || depth > DEPTH_LIMIT) return depth
  let deepest = depth
  for (const child of Object.values(value)) deepest = Math.max(deepest, depthOf(child, depth + 1))
  return deepest
}
