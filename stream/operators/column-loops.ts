/** Loops over columns made from the text of a lambda: a filter and a map that see no row and call nothing. */
import type { Columns } from '../model.ts'
import { columnLambda } from '../lambdas/field-expression.ts'
import type { FieldExpression } from '../lambdas/field-expression.ts'
import { numericColumns } from './columns.ts'
import { loopFrom } from './compile.ts'

/** Writes the indices that are kept and gives their number; there is room for all of them. */
export type FilterLoop = (columns: Columns, count: number, kept: Int32Array) => number
export type MapLoop = (columns: Columns, count: number) => Columns

export const filterLoopOf = loopOf<FilterLoop>((text, names, whole) => {
  const lambda = columnLambda(text, names, whole)
  if (lambda?.value === undefined) return undefined
  return loopFrom<FilterLoop>(
    'columns, count, kept',
    `${readsOf(lambda.reads)}
    let n = 0
    for (let i = 0; i < count; i++) {
      kept[n] = i
      n = n + (!!(${lambda.value.text}) & 1) | 0
    }
    return n`,
  )
})

export const mapLoopOf = loopOf<MapLoop>((text, names, whole) => {
  const lambda = columnLambda(text, names, whole)
  if (lambda === undefined || lambda.fields.length === 0) return undefined
  const computed = lambda.fields.filter(([, e]) => e.column === undefined)
  const outOf = ([, e]: readonly [string, FieldExpression]) =>
    e.column === undefined ? `o${computed.findIndex(([, c]) => c === e)}` : `columns[${JSON.stringify(e.column)}]`
  return loopFrom<MapLoop>(
    'columns, count',
    `${readsOf(lambda.reads)}
    ${computed.map(([, e], n) => `const o${n} = new ${e.numeric ? 'Float64Array' : 'Array'}(count)`).join('\n')}
    for (let i = 0; i < count; i++) { ${computed.map(([, e], n) => `o${n}[i] = ${e.text}`).join('; ')} }
    return { ${lambda.fields.map(field => `${JSON.stringify(field[0])}: ${outOf(field)}`).join(', ')} }`,
  )
})

function readsOf(reads: readonly string[]): string {
  return reads.map((name, n) => `const c${n} = columns[${JSON.stringify(name)}]`).join('\n')
}

/** Makes the loop once for a stream: the columns of all its batches are the same. */
function loopOf<L>(
  make: (text: string, names: ReadonlySet<string>, whole: boolean) => L | undefined,
): (text: string | undefined) => (columns: Columns | undefined) => L | undefined {
  return text => {
    let shape: string | undefined
    let loop: L | undefined
    return columns => {
      if (columns === undefined || text === undefined) return undefined
      const { names, whole } = numericColumns(columns)
      const seen = `${Object.keys(columns).join('\n')}\n${[...names].join('\n')}`
      if (seen !== shape) {
        shape = seen
        loop = make(text, names, whole)
      }
      return loop
    }
  }
}
