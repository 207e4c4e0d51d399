/** From the aggregates of a plan to their layout. */
import type { AggregateSpec } from '../plan.ts'
import { COLLECT, COUNT_DISTINCT, extremeOf, FIRST, histogramOf, keeping, LAST } from './boxed.ts'
import type { Boxed } from './boxed.ts'
import { customOf } from './custom.ts'
import type { CustomFunctions } from './custom.ts'
import { Layout } from './layout.ts'
import type { Part } from './layout.ts'
import { isNumeric, NUMERIC } from './numeric.ts'
import { quantileOf } from './quantile.ts'
import { topKOf } from './top-k.ts'

/** `retracts`: rows with weight −1 may come; aggregates that cannot take a value back then keep all of them. */
export function layoutOf(
  aggregates: readonly AggregateSpec[],
  retracts: boolean,
  customFunctions: (spec: AggregateSpec) => CustomFunctions,
): Layout {
  return new Layout(aggregates.map(spec => partOf(spec, retracts, customFunctions)))
}

function partOf(
  spec: AggregateSpec,
  retracts: boolean,
  customFunctions: (spec: AggregateSpec) => CustomFunctions,
): Part {
  const { kind } = spec
  if (isNumeric(kind) && (NUMERIC[kind].takesBack || !retracts)) return { numeric: kind }
  const boxed = boxedOf(spec, customFunctions)
  return { boxed: retracts && !boxed.takesBack ? (keeping(boxed) as Boxed) : boxed }
}

function boxedOf(spec: AggregateSpec, customFunctions: (spec: AggregateSpec) => CustomFunctions): Boxed {
  switch (spec.kind) {
    case 'first':
      return FIRST as Boxed
    case 'last':
      return LAST as Boxed
    case 'countDistinct':
      return COUNT_DISTINCT as Boxed
    case 'collect':
      return COLLECT as Boxed
    case 'quantile':
      return quantileOf(spec.q ?? 0.5) as Boxed
    case 'histogram':
      return histogramOf(spec.bins ?? 1) as Boxed
    case 'topK':
      return topKOf(spec.k ?? 1) as Boxed
    case 'custom':
      return customOf(customFunctions(spec))
    case 'max':
      return extremeOf((a, b) => a > b) as Boxed
    default:
      return extremeOf((a, b) => a < b) as Boxed
  }
}
