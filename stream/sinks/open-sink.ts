/** A target together with the plan that is written to it: how rows that are taken back are handled, and the writer. */
import { StreamError } from '../errors.ts'
import { mayRetract } from '../operators/may-retract.ts'
import { constantColumns } from './changelog.ts'
import { openFileWriter } from './file-writer.ts'
import { openTopicWriter } from './topic-writer.ts'
import type { Connection, RecordWriter } from '../connectors/connector.ts'
import type { PlanNode } from '../plan.ts'
import type { SinkMode, SinkTarget, SinkWriter, TopicTarget } from './sink.ts'

export interface OpenSinkOptions {
  /** Without names: the plan as it will run. */
  readonly plan: PlanNode
  readonly connection: (name: string) => Promise<Connection> | Connection
  /** A row could not be written; the sink goes on. */
  readonly onRefused: (error: StreamError) => void
  /** The target is away, it is back. */
  readonly onNotice?: ((text: string) => void) | undefined
  /** Of a topic: in place of the connection's plain writer. */
  readonly records?: ((topic: string) => Promise<RecordWriter>) | undefined
}

/** Throws OPTION_INVALID when the target cannot take what the plan gives, and what opening it throws. */
export async function openSink(target: SinkTarget, options: OpenSinkOptions): Promise<SinkWriter> {
  const { plan, onRefused, onNotice, records } = options
  const hidden = constantColumns(plan)
  const changelog = mayRetract(plan)
  if (target.kind === 'file') return openFileWriter(target, { hidden, changelog, onRefused })
  const mode = modeOf(target, changelog)
  const connection = await options.connection(target.connection)
  return openTopicWriter(connection, target, {
    mode,
    leavesOut: target.mode === 'append',
    hidden,
    onRefused,
    onNotice,
    records,
  })
}

function modeOf(target: TopicTarget, changelog: boolean): SinkMode {
  const keyed = target.key !== undefined
  if (target.mode === 'upsert' && !keyed)
    throw refused(target, 'rows are replaced by their key, and no key is named', '--key FIELD')
  if (target.mode !== undefined) return target.mode
  if (changelog && !keyed)
    throw refused(
      target,
      'its rows may be taken back, and a record without a key cannot be',
      '--key FIELD keeps the newest row of each key; --mode append writes every row and leaves out what is taken back',
    )
  return changelog ? 'upsert' : 'append'
}

function refused(target: TopicTarget, why: string, hint: string): StreamError {
  return new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot write stream to topic "${target.topic}": ${why}`,
    hint,
  })
}
