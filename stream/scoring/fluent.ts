/** `.score(detector('range'), { features, threshold })`: from what was typed to the options of the plan's node. */
import { StreamError } from '../errors.ts'
import { Model } from '../models/model.ts'
import type { Param } from '../params.ts'
import type { ScoreOptions, WindowOptions } from '../plan.ts'
import { runtime } from '../targets/runtime-registry.ts'
import { parseDuration } from '../time/duration.ts'
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

/** How rows are scored by a model. */
export interface ModelScoreSettings<F extends string> extends Omit<ScoreSettings<F>, 'features'> {
  /** Fields that are its inputs, in their order. Default: the names kept with the model. */
  readonly features?: readonly F[] | undefined
  /**
   * Rows of one call to the model at most. Default: calls begin with 256 and grow to as many as have come and the model scores within
   * `maxWait`, at most 4,096.
   */
  readonly batch?: number | undefined
  /** A row waits no longer for the others of its call: where calls take longer they get fewer rows. Default `20ms`. */
  readonly maxWait?: string | number | undefined
  /** `tensorflow`: never compiled. Default `auto`: a plain stack of dense layers is code of its own. */
  readonly engine?: 'auto' | 'tensorflow' | undefined
  /** Of TensorFlow.js; with one the model is never compiled. Default: wasm where it starts and has what the model needs, else cpu. */
  readonly backend?: 'wasm' | 'cpu' | undefined
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
  choice: DetectorChoice | Model,
  settings: ScoreSettings<string> | ModelScoreSettings<string>,
  output: ((...args: never[]) => unknown) | undefined,
): ScoreOptions {
  const { threshold, labels } = settings
  const features = settings.features ?? (choice instanceof Model ? choice.features : undefined)
  if (!Array.isArray(features) && choice instanceof Model)
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot score with model "${choice.name}": neither the settings nor the model say which fields are its inputs`,
      hint: "features: ['temp', 'vibration']",
    })
  if (!Array.isArray(features) || features.length === 0 || new Set(features).size < features.length) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot score with features ${JSON.stringify(features) ?? 'undefined'}: a list of different fields is needed`,
      hint: "features: ['temp', 'vibration']",
    })
  }
  if (choice instanceof Model) {
    return {
      by,
      detector: choice.name,
      model: { name: choice.name, ...modelSettings(settings) },
      features,
      labels,
      threshold: thresholdOf(threshold),
      ...(output === undefined ? {} : { output: runtime().ship(output) }),
    }
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

function modelSettings({ batch, maxWait, engine = 'auto', backend }: ModelScoreSettings<string>): {
  readonly batch?: number | undefined
  readonly maxWaitMs?: number | undefined
  readonly engine: 'auto' | 'tensorflow' | 'cpu'
} {
  const maxWaitMs = maxWait === undefined ? undefined : parseDuration(maxWait, 'maxWait')
  if (backend !== undefined && backend !== 'wasm' && backend !== 'cpu')
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot score with backend "${String(backend)}": backends are wasm and cpu`,
      hint: "backend: 'cpu'",
    })
  const possible = batch === undefined || (Number.isInteger(batch) && batch >= 1 && batch <= 65_536)
  if (possible && (engine === 'auto' || engine === 'tensorflow'))
    return { batch, maxWaitMs, engine: backend === 'cpu' ? 'cpu' : backend === 'wasm' ? 'tensorflow' : engine }
  throw new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot score with batch ${batch} and engine "${String(engine)}": batches have 1 to 65,536 rows, engines are auto and tensorflow`,
  })
}

function thresholdOf(threshold: ScoreSettings<string>['threshold']): Threshold | ScoreOptions['threshold'] {
  if (threshold === undefined) return undefined
  if (typeof threshold === 'object') {
    const param = threshold
    const { shipParam } = runtime()
    const read = shipParam === undefined ? runtime().ship(() => param.value) : shipParam(param.name)
    return { read, param: param.name }
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
