/**
 * The one error a user of Riffle meets when something about a stream is wrong.
 *
 * Texts follow one shape: the failed action, the quoted name with its kind, the current and the allowed value; the hint is the
 * next thing to type, best a magic line. Codes come from one closed list so that code can switch on them.
 */
import { redacted } from './redact.ts'

export type StreamErrorCode =
  | 'TOPIC_UNKNOWN'
  | 'TOPIC_EXISTS'
  | 'PARTITION_UNKNOWN'
  | 'POSITION_INVALID'
  | 'FIELD_UNKNOWN'
  | 'TIME_INVALID'
  | 'DURATION_INVALID'
  | 'OPTION_INVALID'
  | 'VALUE_UNDECODABLE'
  | 'NAME_IN_USE'
  | 'STREAM_UNKNOWN'
  | 'STREAM_ENDLESS'
  | 'STREAM_FAILED'
  | 'STREAM_STOPPED'
  | 'STREAM_SELF_REFERENCE'
  | 'LAMBDA_CAPTURE'
  | 'LAMBDA_ASSIGNMENT'
  | 'LAMBDA_THREW'
  | 'LAMBDA_RUNAWAY'
  | 'PARAM_INVALID'
  | 'PATTERN_INVALID'
  | 'MATCH_FAILED'
  | 'STATE_TOO_LARGE'
  | 'SNAPSHOT_INVALID'
  | 'CHECKPOINT_INVALID'
  | 'CHECKPOINT_FAILED'
  | 'SINK_FENCED'
  | 'CONNECTION_UNKNOWN'
  | 'CONNECTION_FAILED'
  | 'KAFKA_UNREACHABLE'
  | 'KAFKA_REFUSED'
  | 'KAFKA_AUTHENTICATION'
  | 'CREDENTIALS_NEEDED'
  | 'REGISTRY_UNREACHABLE'
  | 'REGISTRY_REFUSED'
  | 'SCHEMA_UNKNOWN'
  | 'SCHEMA_INVALID'
  | 'SCHEMA_INCOMPATIBLE'
  | 'VALUE_UNENCODABLE'
  | 'CHART_INVALID'
  | 'SCORE_INVALID'
  | 'MODEL_UNKNOWN'
  | 'MODEL_INVALID'
  | 'MODEL_UNSUPPORTED'
  | 'MODEL_FAILED'
  | 'TRAINING_FAILED'
  | 'RECORDING_INVALID'
  | 'CELLS_RESTARTED'
  | 'ENGINE_GONE'
  | 'INTERNAL'

export interface StreamErrorParts {
  readonly code: StreamErrorCode
  /** Failed action, quoted name with its kind, current and allowed value; sentence case, no final period. */
  readonly message: string
  /** Facts: positions, values, the cell and line of a lambda. */
  readonly detail?: string | undefined
  /** Which rule was broken, where one code stands for several (`PATTERN_INVALID`: `bad-count`, `not-first` …). */
  readonly rule?: string | undefined
  /** The next thing to type. */
  readonly hint?: string | undefined
  /** True when the same action may succeed later without a change. Default false. */
  readonly retriable?: boolean | undefined
  readonly cause?: unknown
}

export class StreamError extends Error {
  readonly code: StreamErrorCode
  readonly detail: string | undefined
  readonly rule: string | undefined
  readonly hint: string | undefined
  readonly retriable: boolean

  constructor(parts: StreamErrorParts) {
    super(redacted(parts.message), parts.cause === undefined ? undefined : { cause: parts.cause })
    this.name = 'StreamError'
    this.code = parts.code
    this.detail = parts.detail === undefined ? undefined : redacted(parts.detail)
    this.rule = parts.rule
    this.hint = parts.hint === undefined ? undefined : redacted(parts.hint)
    this.retriable = parts.retriable ?? false
  }

  /** Plain data for a process boundary; `StreamError.from` makes it an error again. */
  toJSON(): StreamErrorParts {
    const { code, message, detail, rule, hint, retriable } = this
    return { code, message, detail, ...(rule === undefined ? {} : { rule }), hint, retriable }
  }

  static from(parts: StreamErrorParts): StreamError {
    return new StreamError(parts)
  }
}
