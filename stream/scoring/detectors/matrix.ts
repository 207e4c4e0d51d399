/** The inverse of a small symmetric positive definite matrix. */
export function inverse(matrix: readonly (readonly number[])[]): number[][] {
  const n = matrix.length
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))])
  for (let i = 0; i < n; i++) {
    let pivot = i
    for (let r = i + 1; r < n; r++) if (Math.abs(rows[r]![i]!) > Math.abs(rows[pivot]![i]!)) pivot = r
    const top = rows[pivot]!
    rows[pivot] = rows[i]!
    rows[i] = top
    const scale = top[i]!
    for (let c = 0; c < 2 * n; c++) top[c]! /= scale
    for (let r = 0; r < n; r++) {
      if (r === i) continue
      const factor = rows[r]![i]!
      if (factor !== 0) for (let c = i; c < 2 * n; c++) rows[r]![c]! -= factor * top[c]!
    }
  }
  return rows.map(row => row.slice(n))
}
