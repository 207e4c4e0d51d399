/** Stats of a stream that runs and has seen nothing yet: for tests and the test page of the extension. */
import type { StreamStats } from '../model.ts'

export const SAMPLE_STATS: StreamStats = {
  state: 'running',
  recordCount: 0,
  recordsPerSecond: 0,
  rowCount: 0,
  watermarkMs: null,
  lagCount: 0,
  lateCount: 0,
  droppedCount: 0,
  errorCount: 0,
  stateBytes: 0,
}
