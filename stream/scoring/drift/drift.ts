/**
 * Detectors of drift: has the distribution of a number changed? Unlike anomalies drift is about many rows. After a change each begins
 * anew on what came since.
 */
import { StreamError } from '../../errors.ts'
import { readState, writeState } from '../state.ts'
import { Adwin } from './adwin.ts'
import { Kswin } from './kswin.ts'
import { PageHinkley } from './page-hinkley.ts'

export interface DriftDetector {
  /** Takes one value; true when the distribution has changed. */
  learnOne(x: number): boolean
}

const makers = {
  adwin: () => new Adwin(),
  'page-hinkley': () => new PageHinkley(),
  kswin: (seed: number) => new Kswin(seed),
} satisfies Readonly<Record<string, (seed: number) => DriftDetector>>

export type DriftName = keyof typeof makers
export const driftNames = Object.keys(makers) as readonly DriftName[]

export interface DriftState {
  readonly drifted: boolean
  /** Values since the last change, or the beginning. */
  readonly since: number
}

/** One of the drift detectors with its count. */
export class Drift {
  readonly name: DriftName
  private readonly detector: DriftDetector
  private since = 0

  constructor(name: DriftName, seed = 1) {
    this.name = name
    this.detector = makers[name](seed)
  }

  /** Takes one value and says whether the distribution has changed with it. */
  learnOne(x: number): DriftState {
    if (!Number.isFinite(x)) return { drifted: false, since: this.since }
    const drifted = this.detector.learnOne(x)
    this.since = drifted ? 0 : this.since + 1
    return { drifted, since: this.since }
  }

  toJSON(): unknown {
    const { detector, since } = this
    return readState({ detector, since })
  }

  /** Takes what `toJSON` of a detector of the same name and seed gave. */
  fromJSON(state: unknown): this {
    writeState(this, state)
    return this
  }
}

/**
 * A detector of drift by its name: `adwin`, `page-hinkley` or `kswin`. Feed it an error or a score and ask for a retraining when it
 * says so.
 *
 * @throws StreamError OPTION_INVALID
 * @example
 * ```ts
 * const d = drift('adwin')
 * for (let i = 0; i < 500; i++) d.learnOne(i < 300 ? 0 : 5) // drifted soon after 300
 * ```
 */
export function drift(name: DriftName, settings: { readonly seed?: number | undefined } = {}): Drift {
  if (!driftNames.includes(name))
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot make drift detector "${String(name)}": there are ${driftNames.join(', ')}`,
      hint: "drift('adwin')",
    })
  return new Drift(name, settings.seed)
}
