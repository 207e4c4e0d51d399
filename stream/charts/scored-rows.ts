/** Rows with a score, flat: `{ …event, score: Score }` as columns that a table and a picture can show. */

const CAUSES_TOLD = 3

/** The fields of the event, then of its score; where both have one of a name it is the event's, but for `score` itself. */
export function scoredFields(row: object): (readonly [name: string, value: unknown])[] {
  const score = (row as { score?: unknown }).score
  if (!isScore(score)) return Object.entries(row)
  const { value, oneIn, anomalous, threshold, label } = score
  const event = Object.entries(row).filter(([name]) => name !== 'score')
  const own = { oneIn, anomalous, threshold, cause: causeText(score.causes), ...(label === undefined ? {} : { label }) }
  return [...event, ['score', value], ...Object.entries(own).filter(([name]) => !(name in row))]
}

interface ScoreLike {
  readonly value: number
  readonly oneIn?: number
  readonly anomalous?: boolean
  readonly threshold?: number
  readonly label?: boolean
  readonly causes?: readonly { readonly feature: string; readonly share: number }[]
}

function isScore(value: unknown): value is ScoreLike {
  return typeof value === 'object' && value !== null && typeof (value as { value?: unknown }).value === 'number'
}

function causeText(causes: ScoreLike['causes']): string | null {
  if (causes === undefined || causes.length === 0) return null
  return causes
    .slice(0, CAUSES_TOLD)
    .map(({ feature, share }) => `${feature} ${Math.round(100 * share)} %`)
    .join(', ')
}
