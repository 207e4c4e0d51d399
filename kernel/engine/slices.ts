/** Slices of source events: the engine cuts what it sends to the worker. */
export { recordCount, sizeOf, sliceColumns, sliceOf, withRows } from '../../stream/targets/slices.ts'
