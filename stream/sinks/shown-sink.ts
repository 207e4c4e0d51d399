/** What `.to()` gives: the sink by its name, with what it has written. A notebook shows it as one line. */
import { told } from '../told.ts'
import { targetText } from './sink.ts'
import type { SinkResult, SinkTarget } from './sink.ts'

/** Counts are those of the moment; an endless sink goes on until `%stop NAME`. */
export type Sink = SinkResult

export function sinkOf(result: SinkResult, target: SinkTarget, ended: boolean): Sink {
  const { name, writtenCount, refusedCount, firstRefusal } = result
  const rows = `${writtenCount} ${target.kind === 'topic' ? 'record' : 'row'}${writtenCount === 1 ? '' : 's'}`
  const refused = refusedCount === 0 ? '' : `, ${refusedCount} could not be written: ${firstRefusal}`
  const text = ended
    ? `${rows} to ${targetText(target)}${refused}`
    : `${name} writes to ${targetText(target)} · %stop ${name} ends it`
  return told({ ...result }, text)
}
