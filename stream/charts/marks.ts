/**
 * What a view has drawn, read from Vega's scenegraph as plain copies: tests and `riffle-marks` see marks, never live objects
 * (rules.md 26). Axes and legends are left out.
 */
import { isPlain } from './shape.ts'

export interface DrawnMark {
  /** Vega's mark type: `symbol`, `line`, `rect`, `area`, `text` … */
  readonly type: string
  readonly x: number | null
  readonly y: number | null
  readonly width: number | null
  readonly height: number | null
  readonly opacity: number | null
  readonly fill: string | null
  readonly stroke: string | null
  /** The row behind the mark. */
  readonly row: Readonly<Record<string, unknown>>
}

/** Marks with a row, in drawing order. `root` is the root of a Vega scenegraph. */
export function drawnMarks(root: unknown): DrawnMark[] {
  const marks: DrawnMark[] = []
  visit(root, 'group', marks)
  return marks
}

function visit(node: unknown, type: string, marks: DrawnMark[]): void {
  if (!isPlain(node)) return
  const { role, marktype, items, datum } = node
  if (typeof role === 'string' && /^(axis|legend|title)/.test(role)) return
  const ownType = typeof marktype === 'string' ? marktype : type
  if (typeof marktype !== 'string' && type !== 'group' && isPlain(datum)) marks.push(copyOf(node, type, datum))
  if (!Array.isArray(items)) return
  for (const item of items) visit(item, ownType, marks)
}

function copyOf(item: Record<string, unknown>, type: string, datum: Record<string, unknown>): DrawnMark {
  return {
    type,
    x: numberOf(item['x']),
    y: numberOf(item['y']),
    width: numberOf(item['width']),
    height: numberOf(item['height']),
    opacity: numberOf(item['opacity']),
    fill: textOf(item['fill']),
    stroke: textOf(item['stroke']),
    // Vega tags rows with a symbol; a copy by name leaves it behind.
    row: JSON.parse(JSON.stringify(datum)) as Record<string, unknown>,
  }
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
