/** Which parts of a compiled view hold what its reader picked through the params of its spec. They outlive the view (`VegaView.picked`). */
import { isPlain } from '../../stream/charts/shape.ts'

/** What a reader has picked in a view by means of the spec's own params: brushes, clicked series, inputs. */
export interface PickedState {
  readonly signals: Readonly<Record<string, unknown>>
  readonly data: Readonly<Record<string, readonly object[]>>
}

/** Of the params the spec's author made: the signals and datasets that Vega-Lite makes of them. */
export interface PickedNames {
  readonly signals: readonly string[]
  readonly data: readonly string[]
}

interface Compiled {
  readonly signals?: readonly { readonly name: string }[] | undefined
  readonly data?: readonly { readonly name: string }[] | undefined
}

export function pickedNames(spec: Readonly<Record<string, unknown>>, compiled: Compiled): PickedNames {
  const views = [spec, ...(Array.isArray(spec['layer']) ? (spec['layer'] as unknown[]) : [])]
  const params = views.flatMap(view =>
    isPlain(view) && Array.isArray(view['params']) ? (view['params'] as unknown[]) : [],
  )
  const names = params.flatMap(param => {
    const picks = isPlain(param) && ('select' in param || 'bind' in param)
    return picks && typeof param['name'] === 'string' ? [param['name']] : []
  })
  const belongs = (name: string): boolean => names.some(own => name === own || name.startsWith(`${own}_`))
  return {
    signals: [...new Set((compiled.signals ?? []).map(({ name }) => name).filter(belongs))],
    data: (compiled.data ?? []).map(({ name }) => name).filter(name => name.endsWith('_store') && belongs(name)),
  }
}
