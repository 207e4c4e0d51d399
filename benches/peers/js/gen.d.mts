export const T0: number
export interface Workload {
  readonly ts: Float64Array
  readonly key: Int32Array
  readonly val: Int32Array
  readonly side: Uint8Array
  readonly n: number
}
export function gen(cell: string, n: number): Workload
export function parse(cell: string): {
  readonly w: string
  readonly K: number
  readonly dis: boolean
  readonly bound: number
}
export function rowHash(a: number, b: number, c: number, d: number): number
