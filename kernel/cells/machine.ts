/** What every part that runs user code shares. */
import { createShared, Signals } from './interrupt.ts'
import { Origins } from './positions.ts'
import { Runs } from './run.ts'

export interface Machine {
  readonly origins: Origins
  readonly runs: Runs
  /** Words shared with the watcher thread (interrupt.ts). */
  readonly shared: Int32Array
  readonly signals: Signals
}

export function createMachine(): Machine {
  const shared = createShared()
  return { origins: new Origins(), runs: new Runs(), shared, signals: new Signals(shared) }
}
