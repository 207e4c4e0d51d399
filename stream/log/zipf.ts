/** Picks 0…n−1 with weight 1/(rank+1)^skew: skew 0 is even, 1 is the usual "few get most". */
const tables = new Map<string, Float64Array>()

export function zipfPick(u: number, n: number, skew: number): number {
  if (skew === 0) return Math.floor(u * n)
  const table = cumulated(n, skew)
  const wanted = u * table[n - 1]!
  let low = 0
  let high = n - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (table[middle]! > wanted) high = middle
    else low = middle + 1
  }
  return low
}

function cumulated(n: number, skew: number): Float64Array {
  const name = `${n}/${skew}`
  const known = tables.get(name)
  if (known !== undefined) return known
  const table = new Float64Array(n)
  let sum = 0
  for (let i = 0; i < n; i++) table[i] = sum += 1 / Math.pow(i + 1, skew)
  tables.set(name, table)
  return table
}
