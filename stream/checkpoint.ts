/** `checkpoint`: named streams that go on where they were, in the next engine, kernel or program. */
import { checkpointText } from './checkpoints/checkpointer.ts'
import { StreamError } from './errors.ts'
import { shownValue } from './given.ts'
import { runtime } from './targets/runtime-registry.ts'
import type { CheckpointStatus } from './targets/runtime.ts'
import { parsePositiveDuration } from './time/duration.ts'
import { told } from './told.ts'
import type { Duration } from './windows.ts'

export interface CheckpointOptions {
  /** Default: `.riffle-checkpoints/NOTEBOOK` beside the notebook, else in the working folder. */
  readonly folder?: string | undefined
}

/**
 * Keeps the state of every named stream, with the positions its topics were read to, in a folder: each `every`, when the notebook is
 * saved and when the kernel ends. The first start of a stream in the next process goes on from there, if its cell is the same;
 * a second start begins anew. `off` ends it, without arguments it tells what is kept.
 *
 * Resolves with the folder and each stream's newest checkpoint (`savedAtMs`, `sizeBytes`), or why it has none (`refusal`): rows that
 * a cell pushes and topics that end with the engine cannot be read again.
 *
 * @example
 * const { everyMs } = await checkpoint('10s')
 * assert.equal(everyMs, 10_000)
 *
 * @throws StreamError DURATION_INVALID, OPTION_INVALID
 */
export async function checkpoint(
  every?: Duration | 'off',
  { folder }: CheckpointOptions = {},
): Promise<CheckpointStatus> {
  if (folder !== undefined && (typeof folder !== 'string' || folder === '')) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot keep checkpoints in ${shownValue(folder)}: the path of a folder is needed`,
      hint: "Write for example checkpoint('10s', { folder: 'checkpoints' }), or leave it out for one beside the notebook",
    })
  }
  const settings =
    every === undefined
      ? undefined
      : { everyMs: every === 'off' ? undefined : parsePositiveDuration(every, 'time between checkpoints'), folder }
  const status = await runtime().checkpoint(settings)
  return told(status, checkpointText(status))
}
