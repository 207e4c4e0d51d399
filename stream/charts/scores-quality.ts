/** What alerts are worth, as a table of texts: as scored, at the threshold asked for, and by the range rule, which has no model. */
import type { Judgement } from '../scoring/quality/score-store.ts'
import type { Confusion, ScoresPicture } from './scores-view.ts'

/** First row and first column are headings. `moved`: the reader has put the threshold somewhere else. */
export function qualityTable(
  { scored, wished, rule, confusion, labelled }: ScoresPicture,
  moved: boolean,
): readonly (readonly string[])[] {
  const columns: readonly (readonly [string, Judgement, Confusion])[] = [
    ['as scored', scored, confusion.scored],
    ...(moved ? [[`at ${Number(wished.threshold.toPrecision(3))}`, wished, confusion.wished] as const] : []),
    ['range rule', rule, confusion.rule],
  ]
  const row = (name: string, of: (judgement: Judgement, counts: Confusion) => string): string[] => [
    name,
    ...columns.map(([, judgement, counts]) => of(judgement, counts)),
  ]
  const counts = [
    ['', ...columns.map(([name]) => name)],
    row('alerts', ({ alerts }) => String(alerts)),
    row('episodes', ({ episodes }) => String(episodes)),
    row('an hour', ({ alertsPerHour }) => (alertsPerHour === null ? '' : alertsPerHour.toFixed(1))),
  ]
  if (!labelled) return [...counts, ['precision', 'unknown until something is labelled']]
  return [
    ...counts,
    row('hits', (_, { hits }) => String(hits)),
    row('false alerts', (_, { falseAlerts }) => String(falseAlerts)),
    row('missed', (_, { missed }) => String(missed)),
    row('precision', ({ precision }) => share(precision)),
    row('recall', ({ recall }) => share(recall)),
    row('F1', ({ f1 }) => share(f1)),
    row('F1 by events', ({ eventF1 }) => share(eventF1)),
  ]
}

function share(value: number | null): string {
  return value === null ? '' : value.toFixed(2)
}
