/** What the aggregates of a window read of each row, and how. */
import type { CustomFunctions, CustomValue } from '../aggregates/custom.ts'
import type { Candidate } from '../aggregates/top-k.ts'
import type { AggregateSpec, LambdaSlot, WindowOptions } from '../plan.ts'
import { fieldReader } from './compile.ts'
import { lambdaOf } from './lambda.ts'
import type { LambdaHost } from './lambda.ts'
import { metaOf } from './operator.ts'
import type { InputReader, NamedReader } from './row-reader.ts'

const NUMBERS: ReadonlySet<AggregateSpec['kind']> = new Set([
  'sum',
  'mean',
  'min',
  'max',
  'stddev',
  'quantile',
  'histogram',
  'topK',
])

export function inputOf(
  { name, aggregate }: WindowOptions['aggregates'][number],
  host: LambdaHost,
): InputReader | undefined {
  const numbers = NUMBERS.has(aggregate.kind)
  if (aggregate.kind === 'custom') return customInput(name, aggregate, host)
  if (aggregate.kind === 'topK')
    return { ...readerOf(name, aggregate.value ?? name, host), numbers, wrap: candidate(aggregate, host) }
  if (aggregate.value !== undefined) return { ...readerOf(name, aggregate.value, host), numbers }
  return aggregate.kind === 'count' ? undefined : { name, read: row => row, numbers, whole: true }
}

export function readerOf(name: string, value: LambdaSlot | string, host: LambdaHost): NamedReader {
  if (typeof value === 'string') return { name, read: fieldReader(value), field: value }
  const lambda = lambdaOf(value, host)
  return { name, read: lambda.call, lambda }
}

function candidate(aggregate: AggregateSpec, host: LambdaHost): InputReader['wrap'] {
  const tie = aggregate.tie === undefined ? undefined : readerOf('tie', aggregate.tie, host)
  return (by, batch, i): Candidate => {
    const row = batch.rows[i]
    const tied = tie?.lambda?.wantsMeta === true ? tie.lambda.call(row, metaOf(batch, i)) : tie?.read(row)
    return { by: by as number, tie: tied, row }
  }
}

function customInput(name: string, aggregate: AggregateSpec, host: LambdaHost): InputReader {
  const add = aggregate.functions?.add
  const wantsMeta = add !== undefined && host.revive(add).length > 2
  return {
    name,
    read: row => row,
    numbers: false,
    whole: true,
    wrap: (row, batch, i): CustomValue => ({ row, meta: wantsMeta ? metaOf(batch, i) : undefined }),
    custom: add === undefined ? undefined : lambdaOf(add, host),
  }
}

export function customFunctionsOf(host: LambdaHost): (spec: AggregateSpec) => CustomFunctions {
  return ({ functions }) => {
    // The fluent API makes no such plan without its functions.
    if (functions === undefined) throw new TypeError('an aggregate of the user has no functions')
    const revived = (slot: LambdaSlot | undefined) => (slot === undefined ? undefined : host.revive(slot))
    return {
      init: revived(functions.init),
      add: revived(functions.add),
      merge: revived(functions.merge),
      result: revived(functions.result),
      remove: revived(functions.remove),
    } as unknown as CustomFunctions
  }
}
