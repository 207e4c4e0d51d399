/** The key columns of a row as one text, for a map of states. */
import type { Batch } from '../model.ts'
import { metaOf } from './operator.ts'
import type { StageContext } from './operator.ts'
import type { NamedReader } from './row-reader.ts'

/** Undefined: the row was refused. */
export function keyText(
  keys: readonly NamedReader[],
  batch: Batch,
  i: number,
  context: StageContext,
): string | undefined {
  let text = ''
  for (const key of keys) {
    try {
      const value =
        key.lambda?.wantsMeta === true ? key.lambda.call(batch.rows[i], metaOf(batch, i)) : key.read(batch.rows[i])
      text += `${typeof value}:${String(value)}\u0000`
    } catch (error) {
      if (key.lambda === undefined) context.refuse(batch, i, `key "${key.name}": ${String(error)}`)
      else context.threw(batch, i, error, key.lambda)
      return undefined
    }
  }
  return text
}
