/** Lays the user's partial spec over the generated one: objects merge, everything else is replaced. */
import { isPlain } from './shape.ts'

type Spec = Readonly<Record<string, unknown>>

const COMPOSED = ['layer', 'hconcat', 'vconcat', 'concat', 'facet', 'repeat', 'spec'] as const
/** What only a single or layered plot may have, not a composition. */
const PLOT_ONLY = ['mark', 'layer', 'encoding', 'width', 'height', 'autosize'] as const

/** Whether a partial spec brings its own views. */
export function replacesLayers(partial: Spec): boolean {
  return COMPOSED.some(key => key in partial)
}

/** `partial` laid over `base`. Data stays the generated one: a chart draws its stream's rows. */
export function overlay(base: Spec, partial: Spec): Spec {
  const { data: _, ...rest } = partial
  const under: Record<string, unknown> = { ...base }
  if (replacesLayers(partial)) {
    for (const key of 'layer' in partial ? (['mark'] as const) : PLOT_ONLY) delete under[key]
  } else if ('mark' in partial) {
    delete under['layer']
  }
  const merged = merge(under, rest) as Record<string, unknown>
  return 'params' in rest ? { ...merged, params: bothParams(base['params'], rest['params']) } : merged
}

/** The generated params stay, because the generated marks read them; one of the same name is the user's. */
function bothParams(generated: unknown, own: unknown): unknown {
  if (!Array.isArray(generated) || !Array.isArray(own)) return own
  const names = new Set(own.map((param: unknown) => (isPlain(param) ? param['name'] : undefined)))
  return [...generated.filter((param: unknown) => !(isPlain(param) && names.has(param['name']))), ...(own as unknown[])]
}

function merge(base: unknown, over: unknown): unknown {
  if (!isPlain(base) || !isPlain(over)) return over
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) {
    if (key === '__proto__') continue
    // A channel that is given another field is a new channel: what was generated for the old field would not fit.
    const otherField = isPlain(value) && isPlain(base[key]) && 'field' in value && value['field'] !== base[key]['field']
    merged[key] = otherField ? value : merge(base[key], value)
  }
  return merged
}
