/** A threshold of a plan, ready to be read at each record. */
import type { LambdaSlot, ScoreOptions } from '../plan.ts'
import type { Threshold } from './scorer.ts'

/** A param is read for each record, so that its change takes effect at a record boundary. */
export function thresholdReader(
  threshold: ScoreOptions['threshold'],
  host: { revive(slot: LambdaSlot): (...args: never[]) => unknown },
): () => Threshold | undefined {
  if (threshold === undefined || !('read' in threshold)) return () => threshold
  const read = host.revive(threshold.read) as () => unknown
  return () => ({ value: Number(read()) })
}
