/** Every lambda of a plan and everything a lambda holds, for listings, imports and error places. */
import type { Captured, PlanNode, ShippedLambda } from '../plan.ts'

/** The shipped lambdas of a plan, inputs first. Plans are plain data, so this needs no knowledge of the operators. */
export function lambdasOf(plan: PlanNode): ShippedLambda[] {
  const found: ShippedLambda[] = []
  const seen = new Set<object>()
  const visit = (value: unknown) => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return
    seen.add(value)
    if ((value as { kind?: unknown }).kind === 'lambda' && 'text' in value) {
      found.push(value as ShippedLambda)
      return
    }
    const entries = Object.entries(value)
    for (const [name, part] of entries) if (name === 'input' || name === 'left' || name === 'right') visit(part)
    for (const [, part] of entries) visit(part)
  }
  visit(plan)
  return found
}

/** The captured things inside a lambda, itself included, each once. */
export function capturedIn(root: Captured): Captured[] {
  const seen = new Set<Captured>()
  const visit = (captured: Captured) => {
    if (seen.has(captured)) return
    seen.add(captured)
    if (captured.kind === 'lambda' || captured.kind === 'class') Object.values(captured.captures).forEach(visit)
    else if (captured.kind === 'array' || captured.kind === 'set') captured.items.forEach(visit)
    else if (captured.kind === 'map') captured.entries.forEach(pair => pair.forEach(visit))
    else if (captured.kind === 'object') {
      Object.values(captured.fields).forEach(visit)
      if (captured.of !== undefined) visit(captured.of)
    }
  }
  visit(root)
  return [...seen]
}

/** `threshold = 100` for `%streams`: what the lambdas of a plan captured directly, each name once. */
export function captureList(plan: PlanNode): { name: string; value: string; local?: true }[] {
  const list = new Map<string, { name: string; value: string; local?: true }>()
  for (const lambda of lambdasOf(plan)) {
    for (const [name, captured] of Object.entries(lambda.captures)) {
      const value = preview(captured)
      if (value !== undefined && !list.has(name))
        list.set(name, lambda.locals?.includes(name) === true ? { name, value, local: true } : { name, value })
    }
  }
  return [...list.values()]
}

function preview(captured: Captured): string | undefined {
  if (captured.kind === 'lambda') return captured.site.excerpt
  return captured.kind === 'value' ? previewValue(captured.value) : undefined
}

/** A value in a few words; equal values give equal words, which is how a listing tells that a captured one is another now. */
export function previewValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 39)}…` : value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null) return String(value)
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Map || value instanceof Set) return `${value.constructor.name}(${value.size})`
  if (Array.isArray(value) || ArrayBuffer.isView(value))
    return `${value.constructor.name}(${(value as unknown[]).length})`
  const text = JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part))
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}
