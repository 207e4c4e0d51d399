/** Laws 1, 5 and 9 for event patterns: batch cuts, restarts and the naive twin, on random patterns and streams. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import '../../stream/index.ts'
import { matchOptions } from '../../stream/patterns/fluent.ts'
import { buildPipeline } from '../../stream/pipeline.ts'
import type { PlanNode } from '../../stream/plan.ts'
import { twinMatches, twinSkip } from '../reference/pattern.ts'
import type { Fits, TwinItem, TwinRow, TwinSkip } from '../reference/pattern.ts'
import { feedNode } from './pipeline-runs.ts'

const RUNS = Number(process.env['RUNS'] ?? 500)

interface Trial {
  readonly items: readonly TwinItem[]
  readonly within: number | undefined
  readonly skip: TwinSkip
  /** Values each name fits; a name with a limit also wants fewer events taken before. */
  readonly fits: Readonly<Record<string, { readonly values: readonly number[]; readonly limit: number | undefined }>>
  readonly rows: readonly (TwinRow & { readonly key: string })[]
  readonly cuts: readonly number[]
  readonly restarts: readonly number[]
}

test('matches equal the naive twin, whatever the batches and restarts', () => {
  fc.assert(
    fc.property(trials(), trial => {
      assert.deepEqual(engineMatches(trial), twinMatchesOf(trial), `pattern ${textOf(trial.items)}`)
    }),
    { numRuns: RUNS, seed: Number(process.env['SEED'] ?? 20260722) },
  )
})

function engineMatches(trial: Trial): string[] {
  const definitions = Object.fromEntries(
    Object.entries(trial.fits).map(([name, { values, limit }]) => [
      name,
      limit === undefined
        ? (e: TwinRow) => values.includes(e.v)
        : (e: TwinRow, m: Record<string, TwinRow[]>) => values.includes(e.v) && fewerThan(m, limit),
    ]),
  )
  const skip = 'step' in trial.skip ? (`${trial.skip.kind}=${trial.skip.step}` as const) : trial.skip.kind
  const options = matchOptions([{ name: 'key' }], textOf(trial.items), definitions, { within: trial.within, skip })
  const plan: PlanNode = { op: 'match', input: feedNode(1, undefined), options: { ...options, output: 'matches' } }
  const matches: string[] = []
  const build = () =>
    buildPipeline(plan, {
      revive: slot => slot as (...args: never[]) => unknown,
      decode: () => ({ rows: [], keys: [], failures: [] }),
      onOutput: batch => {
        for (const row of batch.rows) {
          const taken = Object.entries(row as Record<string, TwinRow[]>)
          matches.push(shown(taken.map(([step, events]) => [step, events.map(e => e.id)])))
        }
      },
    })
  let pipeline = build()
  let pending: unknown[] = []
  const flush = () => {
    if (pending.length > 0) pipeline.push(0, { kind: 'rows', rows: pending })
    pending = []
  }
  trial.rows.forEach((row, i) => {
    if (trial.cuts.includes(i)) {
      flush()
      // Nothing is late: the watermark stays behind every row to come.
      const least = Math.min(...trial.rows.slice(i).map(r => r.t)) - 1
      pipeline.push(0, { kind: 'watermark', watermarkMs: least })
    }
    if (trial.restarts.includes(i)) {
      flush()
      const bytes = pipeline.snapshot()
      pipeline = build()
      pipeline.restore(bytes)
    }
    pending.push(row)
  })
  flush()
  pipeline.push(0, { kind: 'end' })
  assert.equal(pipeline.state, 'ended', pipeline.error?.detail)
  return matches.sort()
}

function twinMatchesOf(trial: Trial): string[] {
  const fits: Fits = (name, row, taken) => {
    const { values, limit } = trial.fits[name] as Trial['fits'][string]
    return values.includes(row.v) && (limit === undefined || fewerThan(taken, limit))
  }
  return ['p', 'q']
    .flatMap(key => {
      const rows = trial.rows.filter(row => row.key === key).toSorted((a, b) => a.t - b.t || a.id - b.id)
      const all = twinMatches(trial.items, rows, fits, trial.within)
      return twinSkip(all, trial.skip, stepsOf(trial.items)).map(match =>
        shown(Object.entries(match.taken).map(([step, places]) => [step, places.map(i => (rows[i] as TwinRow).id)])),
      )
    })
    .sort()
}

function fewerThan(taken: Readonly<Record<string, readonly unknown[]>>, limit: number): boolean {
  return Object.values(taken).reduce((n, rows) => n + rows.length, 0) < limit
}

function shown(taken: readonly (readonly [string, readonly number[]])[]): string {
  return JSON.stringify(taken.filter(([, ids]) => ids.length > 0).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** The pattern as text, from the twin's own items. */
function textOf(items: readonly TwinItem[]): string {
  return items
    .map((item, i) => `${i === 0 ? '' : { next: ', ', then: ' -> ', any: ' ->> ' }[item.joint]}${one(item)}`)
    .join('')
}

function one(item: TwinItem): string {
  const atom = typeof item.of === 'string' ? item.of : `(${textOf(item.of)})`
  if (item.negated === true) return `!${atom}`
  const notes = [
    ...(item.inner === 'next' ? ['consecutive'] : item.inner === 'any' ? ['combinations'] : []),
    ...(item.until === undefined ? [] : [`until ${item.until}`]),
  ]
  if (item.max === 1) return `${atom}${item.optional ? '?' : ''}`
  const min = item.optional ? 0 : item.min
  const count = item.max === Infinity ? (min === 0 ? '*' : min === 1 ? '+' : `{${min},}`) : `{${min},${item.max}}`
  return `${atom}${count}${item.greedy ? '' : '?'}${notes.length === 0 ? '' : `[${notes.join(' ')}]`}`
}

function stepsOf(items: readonly TwinItem[]): string[] {
  return items.flatMap(item =>
    item.negated === true ? [] : typeof item.of === 'string' ? [item.of] : stepsOf(item.of),
  )
}

/** A choice of numbers that a pattern, its options and its stream are read from: shrinking makes all of them smaller. */
function trials(): fc.Arbitrary<Trial> {
  return fc.infiniteStream(fc.nat({ max: 1_000_000 })).map(stream => {
    const iterator = stream[Symbol.iterator]()
    const below = (n: number) => (iterator.next().value as number) % n
    return trialOf(below)
  })
}

function trialOf(below: (n: number) => number): Trial {
  const within = below(3) === 0 ? 3 + below(12) : undefined
  let name = 0
  const fresh = () => 'abcdefghij'[name++] as string
  const joint = () => (['next', 'then', 'then', 'any'] as const)[below(4)] as TwinItem['joint']
  const sequence = (depth: number): TwinItem[] => {
    const items: TwinItem[] = []
    const count = depth === 0 ? 1 + below(3) : 2
    for (let i = 0; i < count; i++) {
      const before = items.at(-1)
      const mayNot = before !== undefined && !before.optional && before.negated !== true
      if (mayNot && below(5) === 0) {
        const last = i === count - 1
        const nextOnly = last && (depth > 0 || within === undefined)
        const not = {
          of: fresh(),
          negated: true,
          min: 1,
          max: 1,
          optional: false,
          greedy: false,
          inner: 'then',
        } as const
        items.push({ ...not, joint: nextOnly || below(2) === 0 ? 'next' : 'then' })
        if (depth > 0 || !last) items.push({ ...plain(fresh()), joint: joint() })
        continue
      }
      const group = depth === 0 && below(5) === 0
      const afterGreedy = before?.greedy === true
      const first = i === 0 && depth > 0
      const of = group ? sequence(1) : fresh()
      const form = below(4)
      // An optional end of a group hides from the twin what must not follow the group.
      const optional =
        !afterGreedy && !first && !(depth > 0 && i === count - 1) && before?.negated !== true && below(4) === 0
      if (form < 2) items.push({ ...plain(of), joint: joint(), optional })
      else {
        const inner = (['then', 'then', 'next', 'any'] as const)[below(4)] as TwinItem['inner']
        const min = 1 + below(2)
        const open = form === 2
        const greedy = !group && inner !== 'any' && below(2) === 0
        const until = open && below(3) === 0 ? fresh() : undefined
        const max = open ? Infinity : min + 1 + below(2)
        // `{0,m}` begins at one round.
        items.push({
          of,
          joint: joint(),
          min: optional ? 1 : min,
          max,
          optional,
          greedy,
          inner,
          ...(until === undefined ? {} : { until }),
        })
      }
    }
    return items
  }
  const items = sequence(0)
  const must: TwinItem[] = items.every(item => item.optional) ? [{ ...plain(fresh()), joint: 'then' }] : []
  const all = [...must, ...items]
  const names = [...new Set(namesOf(all))]
  const steps = stepsOf(all)
  const kinds = ['none', 'none', 'past-last', 'to-next', 'to-first', 'to-last'] as const
  const kind = kinds[below(6)] as (typeof kinds)[number]
  const step = steps[below(steps.length)] as string
  let t = 0
  const rows = Array.from({ length: 3 + below(9) }, (_, id) => {
    t = Math.max(0, t + below(4) - (below(5) === 0 ? 3 : 0))
    return { id, t, v: below(5), key: below(4) === 0 ? 'q' : 'p' }
  })
  return {
    items: all,
    // Without a window a run that began earlier may wait for ever, and the matches held back with it.
    within: within ?? (kind === 'none' ? undefined : 8),
    skip: kind === 'to-first' || kind === 'to-last' ? { kind, step } : { kind },
    fits: Object.fromEntries(
      names.map(n => {
        const values = [0, 1, 2, 3, 4].filter(() => below(5) < 2)
        return [n, { values, limit: below(8) === 0 ? 1 + below(3) : undefined }]
      }),
    ),
    rows,
    cuts: Array.from({ length: below(4) }, () => below(rows.length)),
    restarts: Array.from({ length: below(3) }, () => below(rows.length)),
  }
}

function plain(of: TwinItem['of']): TwinItem {
  return { of, joint: 'then', min: 1, max: 1, optional: false, greedy: false, inner: 'then' }
}

function namesOf(items: readonly TwinItem[]): string[] {
  return items.flatMap(item => [
    ...(typeof item.of === 'string' ? [item.of] : namesOf(item.of)),
    ...(item.until === undefined ? [] : [item.until]),
  ])
}
