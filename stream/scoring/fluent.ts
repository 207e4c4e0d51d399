/** `.score(detector('range'), { features, threshold })`: from what was typed to the options of the plan's node. */
import { StreamError } from '../errors.ts'
import type { Param } from '../params.ts'
import type { ScoreOptions, WindowOptions } from '../plan.ts'
import { runtime } from '../targets/runtime-registry.ts'
import { makeDetector } from './detectors/index.ts'
import type { DetectorName } from './detectors/index.ts'
import { Scorer } from './scorer.ts'
import type { Threshold } from './scorer.ts'

export interface DetectorSettings {
  /** Rows that only train. Default 750 with one feature, 400 with several. */
  readonly warmUp?: number | undefined
  /** Default 1: the same seed gives the same scores. */
  readonly seed?: number | undefined
  /** Rows of one season; found in the warm-up when absent. */
  readonly period?: number | undefined
  /** Rows for which an alert silences smaller ones. Default a fifth of the warm-up with one feature; with several 0, scores are a state. */
  readonly episode?: number | undefined
}

/** A built-in detector, ready for `.score()`. */
export interface DetectorChoice extends DetectorSettings {
  readonly detector: DetectorName
}

export interface ScoreSettings<F extends string> {
  /** Fields that are scored; several make one row of numbers. */
  readonly features: readonly F[]
  /** Field that says whether a row truly is an anomaly: kept as `score.label`, for `nab()`. */
  readonly labels?: string | undefined
  /**
   * From which score on a row is anomalous: a value in the unit of the detector, `'1/1000'` for scores as rare as one in a thousand, or
   * a param, which is followed live. Default: the detector's own limit.
   */
  readonly threshold?: number | `1/${number}` | Param<number> | undefined
}

/**
 * A built-in detector by its name.
 *
 * @throws StreamError OPTION_INVALID
 * @example
 * ```ts
 * sensors.keyBy('machineId').score(detector('ensemble'), { features: ['temp', 'vibration'] })
 * ```
 */
export function detector(name: DetectorName, settings: DetectorSettings = {}): DetectorChoice {
  // Refused where it is typed.
  makeDetector(name, { features: 1, warmUp: 2, seed: 1 })
  return { detector: name, ...settings }
}

/** @throws StreamError OPTION_INVALID */
export function scoreOptions(
  by: WindowOptions['by'],
  choice: DetectorChoice,
  settings: ScoreSettings<string>,
  output: ((...args: never[]) => unknown) | undefined,
): ScoreOptions {
  const { features, threshold, labels } = settings
  if (!Array.isArray(features) || features.length === 0 || new Set(features).size < features.length) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot score with features ${JSON.stringify(features) ?? 'undefined'}: a list of different fields is needed`,
      hint: "features: ['temp', 'vibration']",
    })
  }
  // Refused where it is typed, not when the stream starts.
  void new Scorer({ ...choice, features })
  return {
    by,
    ...choice,
    features,
    labels,
    threshold: thresholdOf(threshold),
    ...(output === undefined ? {} : { output: runtime().ship(output) }),
  }
}

function thresholdOf(threshold: ScoreSettings<string>['threshold']): Threshold | ScoreOptions['threshold'] {
  if (threshold === undefined) return undefined
  if (typeof threshold === 'object') {
    const param = threshold
    const { shipParam } = runtime()
    return { read: shipParam === undefined ? runtime().ship(() => param.value) : shipParam(param.name) }
  }
  const [, share] = typeof threshold === 'string' ? (/^1\/(\d+(?:\.\d+)?)$/.exec(threshold) ?? []) : []
  if (share !== undefined && Number(share) >= 1) return { oneIn: Number(share) }
  if (typeof threshold === 'number' && Number.isFinite(threshold)) return { value: threshold }
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot score with threshold ${JSON.stringify(threshold)}: it is a number, '1/N' with N from 1, or a param`,
    hint: "threshold: 0.9 or threshold: '1/1000'",
  })
}
