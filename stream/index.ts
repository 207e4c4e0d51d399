/** Everything a notebook or a program imports from `riffle-kernel`. In a cell these names are global. */
import { setDefaultRuntime } from './targets/runtime-registry.ts'
import { LocalRuntime } from './targets/local.ts'

export { Chart, KeyedStream, MatchStream, Stream, WindowedStream } from './stream.ts'
export type { EmitOptions, Firing, Scored, WindowBounds } from './stream.ts'
export { Feed, feed, from, fromColumns, stream, topic } from './sources.ts'
export type {
  ColumnsOptions,
  FeedOptions,
  RowOfColumns,
  PushOptions,
  RowsOptions,
  TopicRow,
  TopicStreamOptions,
} from './sources.ts'
export { file, RowFile } from './files.ts'
export type { SinkSettings } from './sinks/settings.ts'
export type { Sink } from './sinks/shown-sink.ts'
export { checkpoint } from './checkpoint.ts'
export type { CheckpointOptions } from './checkpoint.ts'
export { alterTopic, connect, createTopic, deleteTopic, generate, groups, produce, topicLog, topics } from './topics.ts'
export type { GeneratorOptions, GroupPartitionRow, GroupRow, LogRow, SendOptions, TopicSettings } from './topics.ts'
export type { JoinBounds, JoinedRow, JoinOn, JoinOptions, JoinType } from './joins.ts'
export { schemas, ShownSchema } from './schema-api.ts'
export type { CheckRow, SchemaGiven, SubjectRow } from './schema-api.ts'
export type { CompatibilityMode } from './schema-model.ts'
export {
  aggregate, collect, count, countDistinct, first, histogram, last, max, mean, min, quantile, stddev, sum, topK,
} from './aggregates/functions.ts' // prettier-ignore
export type { Aggregate, AggregateFunctions, NumberLike } from './aggregates/functions.ts'
export type { Bucket } from './aggregates/boxed.ts'
export { counting, cumulating, hopping, over, session, tumbling } from './windows.ts'
export type { CountingDefinition, Duration, OverDefinition, WindowAlignment, WindowDefinition } from './windows.ts'
export type { Definitions, MatchSettings, Taken, TakenEvents } from './patterns/fluent.ts'
export type { NearMiss } from './patterns/near-miss.ts'
export { detector } from './scoring/fluent.ts'
export { record, Recording, replay, stopRecording } from './recordings/record.ts'
export type { RecordOptions, ReplayOptions } from './recordings/record.ts'
export type { RecordingState } from './recordings/recorder.ts'
export { Model, model } from './models/model.ts'
export { train, TrainedModel } from './training/train.ts'
export type { TensorflowBuilder, TrainSettings } from './training/train.ts'
export type { Epoch } from './training/spec.ts'
export type { ModelOptions } from './models/model.ts'
export type { ModelArtifact, ModelScaler } from './models/artifact.ts'
export type { DetectorChoice, DetectorSettings, ModelScoreSettings, ScoreSettings } from './scoring/fluent.ts'
export { drift, Drift } from './scoring/drift/drift.ts'
export type { DriftName, DriftState } from './scoring/drift/drift.ts'
export { compare, judge, Judged } from './scoring/quality/judge.ts'
export type { Difference, JudgeOptions } from './scoring/quality/judge.ts'
export { Labels, labels } from './scoring/quality/labels.ts'
export { ScoreStore } from './scoring/quality/score-store.ts'
export type { Judgement, KeptScores } from './scoring/quality/score-store.ts'
export { vusPr } from './scoring/quality/vus-pr.ts'
export { nab } from './scoring/nab-stream.ts'
export type { NabOptions } from './scoring/nab-stream.ts'
export type { NabProfile, NabResult } from './scoring/nab.ts'
export type { Cause, Score } from './scoring/scorer.ts'
export { idle, watermark } from './marks.ts'
export type { Mark } from './marks.ts'
export { Param, param } from './params.ts'
export type { ParamOptions } from './params.ts'
export { eventTime } from './event-time-of.ts'
export { StreamError } from './errors.ts'
export type { StreamErrorCode, StreamErrorParts } from './errors.ts'
export type { Change, RecordMeta, Refused, StreamStats } from './model.ts'
export type { ChartOptions } from './charts/protocol.ts'
export type { TopicTypes } from './topic-types.ts'
export { runtime, setRuntime } from './targets/runtime-registry.ts'
export type { Runtime } from './targets/runtime.ts'
export { LocalRuntime } from './targets/local.ts'

setDefaultRuntime(() => new LocalRuntime())
