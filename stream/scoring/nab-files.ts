/**
 * NAB's files as text: a CSV of scores per data file, and one JSON of labelled windows by data file. Reading and walking folders
 * is the caller's.
 */
import { StreamError } from '../errors.ts'
import type { NabFile, NabWindow } from './nab.ts'

export interface NabCorpus {
  readonly files: readonly NabFile[]
  /** Score files no label names; left out. */
  readonly unlabelled: readonly string[]
}

/**
 * Joins score files and labels. A label `group/file.csv` finds the score file of that path, of that path below one more folder, or
 * the one whose name ends with it: NAB itself writes `numenta/group/numenta_file.csv`.
 *
 * @param csvs text of each score file by its path below the folder, with `/`
 * @param labels JSON text: `{ "group/file.csv": [["2014-04-10 07:15:00.000000", "2014-04-11 16:45:00.000000"]] }`
 * @throws StreamError SCORE_INVALID, FIELD_UNKNOWN
 */
export function nabCorpus(csvs: ReadonlyMap<string, string>, labels: string): NabCorpus {
  const windows = labelledWindows(labels)
  const used = new Set<string>()
  const files = [...windows].map(([name, ranges]) => {
    const path = findFile(name, csvs)
    used.add(path)
    const { times, scores } = parseScores(path, csvs.get(path) as string)
    const rows = ranges.map(range => rowsOf(range, times, path)).sort((a, b) => a.from - b.from)
    return { name, scores, windows: rows }
  })
  return { files, unlabelled: [...csvs.keys()].filter(path => !used.has(path)) }
}

function labelledWindows(text: string): Map<string, readonly (readonly [unknown, unknown])[]> {
  const parsed = parseJson(text)
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw badLabels('it is no JSON object')
  return new Map(
    Object.entries(parsed).map(([name, ranges]: [string, unknown]) => {
      const good = Array.isArray(ranges) && ranges.every(range => Array.isArray(range) && range.length === 2)
      if (!good) throw badLabels(`"${name}" has no list of [start, end]`)
      return [name, ranges as readonly (readonly [unknown, unknown])[]]
    }),
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw badLabels((error as Error).message)
  }
}

function badLabels(detail: string): StreamError {
  return new StreamError({
    code: 'SCORE_INVALID',
    message: `Cannot read labels: ${detail}`,
    hint: 'Labels are a JSON object from data file to a list of [start, end], like combined_windows.json of NAB',
  })
}

function findFile(name: string, csvs: ReadonlyMap<string, string>): string {
  if (csvs.has(name)) return name
  const slash = name.lastIndexOf('/')
  const [folder, base] = [name.slice(0, slash + 1), name.slice(slash + 1)]
  const paths = [...csvs.keys()]
  const found =
    paths.filter(path => path.endsWith(`/${name}`))[0] ??
    paths.filter(path => path.includes(folder) && path.endsWith(`_${base}`))[0] ??
    only(paths.filter(path => path === base || path.endsWith(`/${base}`))) ??
    only(paths.filter(path => path.endsWith(`_${base}`)))
  if (found !== undefined) return found
  throw new StreamError({
    code: 'SCORE_INVALID',
    message: `Cannot score the corpus: there is no score file for "${name}" of the labels`,
    hint: `Write ${name} with columns timestamp,score, one row for each row of the data`,
  })
}

function only<V>(values: readonly V[]): V | undefined {
  return values.length === 1 ? values[0] : undefined
}

/** `score`, or what NAB calls it. */
const scoreColumns = ['score', 'anomaly_score']

function parseScores(path: string, text: string): { times: number[]; scores: Float64Array } {
  const lines = text.split(/\r?\n/).filter(line => line !== '')
  const columns = (lines[0] ?? '').split(',').map(column => column.trim())
  const timeAt = columns.indexOf('timestamp')
  const scoreAt = scoreColumns.map(column => columns.indexOf(column)).find(at => at >= 0)
  if (timeAt < 0 || scoreAt === undefined) {
    throw new StreamError({
      code: 'FIELD_UNKNOWN',
      message: `Cannot read scores of "${path}": columns are ${columns.join(', ') || 'missing'}, timestamp and score are needed`,
    })
  }
  const times: number[] = []
  const scores = new Float64Array(lines.length - 1)
  for (let i = 1; i < lines.length; i++) {
    const cells = (lines[i] as string).split(',')
    const cell = (cells[scoreAt] ?? '').trim()
    const score = cell === '' ? NaN : Number(cell)
    const time = instantOf((cells[timeAt] ?? '').trim())
    if (Number.isNaN(score) || Number.isNaN(time)) {
      throw new StreamError({
        code: 'SCORE_INVALID',
        message: `Cannot read line ${i + 1} of "${path}": "${lines[i]}" has no instant and score`,
      })
    }
    times.push(time)
    scores[i - 1] = score
  }
  return { times, scores }
}

/** Epoch ms of `2014-04-10 07:15:00.000000` (UTC), of ISO text or of a number of ms. */
function instantOf(text: string): number {
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  const parts = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(:\d\d)?(\.\d+)?(Z|[+-]\d\d:?\d\d)?$/.exec(text)
  if (parts === null) return NaN
  const [, day, minute, second = ':00', fraction = '', zone = 'Z'] = parts
  return Date.parse(`${day}T${minute}${second}${zone}`) + Number(`0${fraction}`) * 1000
}

/** Rows of a window: the first row of each instant, as several may share one; a window may also name instants between rows. */
function rowsOf(range: readonly [unknown, unknown], times: readonly number[], path: string): NabWindow {
  const [start, end] = [instantOf(String(range[0])), instantOf(String(range[1]))]
  const exact = [times.indexOf(start), times.indexOf(end)] as const
  const from = exact[0] >= 0 ? exact[0] : times.findIndex(time => time >= start)
  const to = exact[1] >= 0 ? exact[1] : times.findLastIndex(time => time <= end)
  if (from >= 0 && to >= from) return { from, to }
  throw new StreamError({
    code: 'SCORE_INVALID',
    message: `Cannot score "${path}": its rows do not reach the labelled window ${String(range[0])} to ${String(range[1])}`,
  })
}
