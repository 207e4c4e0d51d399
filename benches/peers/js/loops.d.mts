import type { Workload } from './gen.mjs'
export function run(cell: string, data: Workload, bound: number): readonly [rows: number, checksum: number]
