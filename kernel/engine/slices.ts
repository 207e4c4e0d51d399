/** Slices of source events: the engine cuts what it sends to the worker. */
export { recordCount, sizeOf, sliceOf } from '../../stream/targets/slices.ts'
