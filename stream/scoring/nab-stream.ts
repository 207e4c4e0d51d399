/** NAB's score of a stream that is scored and labelled: stretches of labelled rows are its windows. */
import { StreamError } from '../errors.ts'
import { nabProfiles, nabScore } from './nab.ts'
import type { NabProfile, NabResult, NabWindow } from './nab.ts'
import type { Score } from './scorer.ts'

export interface NabOptions {
  /** Default `standard`. `low-fp` charges false alerts twice, `low-fn` missed windows. */
  readonly profile?: NabProfile | undefined
  /** Field that tells series apart: each of its values is a file of its own. Default: all rows are one. */
  readonly by?: string | undefined
  /** How many rows are read, from the beginning. Default 5,000; fewer when the stream ends before. */
  readonly rows?: number | undefined
}

/** What `nab` needs of a stream. */
interface ScoredRows {
  take(n: number): Promise<readonly unknown[]>
}

/**
 * NAB's score of a stream made by `.score(…, { labels })`: 0 is as good as no alert, 100 the earliest alert in every window and none elsewhere.
 *
 * @throws StreamError FIELD_UNKNOWN when rows have no score or label, OPTION_INVALID
 */
export async function nab(stream: ScoredRows, options: NabOptions = {}): Promise<NabResult> {
  const { profile = 'standard', by, rows = 5000 } = options
  if (!Object.hasOwn(nabProfiles, profile)) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot score with profile "${profile}": it is one of ${Object.keys(nabProfiles).join(', ')}`,
    })
  }
  const files = new Map<string, Score[]>()
  for (const row of await stream.take(rows)) {
    const { [by ?? '']: key, score } = row as Readonly<Record<string, unknown>>
    const labelled = score as Score | undefined
    if (typeof labelled?.value !== 'number' || typeof labelled.label !== 'boolean') throw unlabelled()
    const name = by === undefined ? 'rows' : String(key)
    const file = files.get(name) ?? []
    files.set(name, file)
    file.push(labelled)
  }
  const labelled = [...files].map(([name, scores]) => ({
    name,
    scores: scores.map(score => score.value),
    windows: windowsOf(scores),
  }))
  return nabScore(labelled, profile)
}

function windowsOf(scores: readonly Score[]): NabWindow[] {
  const windows: NabWindow[] = []
  let from = -1
  scores.forEach(({ label }, i) => {
    if (label === true && from < 0) from = i
    if (from >= 0 && (label !== true || i === scores.length - 1)) {
      windows.push({ from, to: label === true ? i : i - 1 })
      from = -1
    }
  })
  return windows
}

function unlabelled(): StreamError {
  return new StreamError({
    code: 'FIELD_UNKNOWN',
    message: 'Cannot compare stream with its labels: its rows have no score with a label',
    hint: '%%score sensors --features temp --labels anomaly',
  })
}
