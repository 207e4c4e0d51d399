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
export function writeNdjson(path: string, cell: string, n: number): Promise<void>
/** Runs `CELL EVENTS REPETITIONS [FILE]` of the command line and prints a line per repetition. */
export function bench(
  run: (cell: string, data: Workload & { readonly file?: string }, bound: number) => Answer | Promise<Answer>,
): Promise<void>
export type Answer = readonly [rows: number, checksum: number]
export function opaque(x: number): number
