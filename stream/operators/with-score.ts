/** A row with its score, made by code for the row's shape: spreading a row costs more than all the rest of scoring it. */

type Make = (row: object, score: object) => object

/** As `{ ...row, score }`: a column `score` that the row has is replaced where it stands. One per operator. */
export function scoreAppender(): Make {
  let names: readonly string[] = []
  let make: Make = () => ({})
  return (row, score) => {
    const keys = Object.keys(row)
    if (!same(keys, names) || names.length === 0) {
      names = keys
      make = makerOf(keys)
    }
    return make(row, score)
  }
}

/** Computed names keep `__proto__` an ordinary property. */
function makerOf(keys: readonly string[]): Make {
  const fields = keys.map(key => (key === 'score' ? 'score: s' : `[${JSON.stringify(key)}]: r[${JSON.stringify(key)}]`))
  if (!keys.includes('score')) fields.push('score: s')
  return new Function('r', 's', `return { ${fields.join(', ')} }`) as Make
}

function same(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
