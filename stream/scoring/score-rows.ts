/** A text of JSON lines scored row by row, as a CSV of one score per row. */
import { StreamError } from '../errors.ts'
import { nabProbation } from './nab.ts'
import { Scorer, defaultWarmUp } from './scorer.ts'
import type { Score } from './scorer.ts'

export interface ScoreRowsOptions {
  readonly detector: string
  /** Field of the event time: it is no feature. */
  readonly time?: string | undefined
  /** Default: all fields that hold a number in the first row. */
  readonly features?: readonly string[] | undefined
  /** Rows that only train. Default: 15 %, at most 750, with one feature; 400 with several. */
  readonly warmUp?: number | undefined
}

/**
 * One score per row, in the order of the rows.
 *
 * @param text one JSON object a line
 * @throws StreamError VALUE_UNDECODABLE, FIELD_UNKNOWN, SCORE_INVALID with the line; OPTION_INVALID
 */
export function scoreRows(text: string, options: ScoreRowsOptions): Score[] {
  const rows = text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [parseRow(line, i + 1)]))
  const first = rows[0]
  if (first === undefined) return []
  const features = options.features ?? numericFields(first.row, options.time)
  if (options.time !== undefined && !(options.time in first.row)) throw unknownField(options.time, first.row)
  const vectors = rows.map(({ row, line }) => vectorOf(row, features, `line ${line}`))
  const warmUp = options.warmUp ?? defaultRows(rows.length, features.length)
  const scorer = new Scorer({ detector: options.detector, features, warmUp })
  return vectors.map(vector => scorer.next(vector))
}

export function scoresCsv(scores: readonly Score[]): string {
  const lines = scores.map(({ value, oneIn, anomalous }, row) => `${row},${value},${oneIn},${anomalous}`)
  return ['row,value,oneIn,anomalous', ...lines, ''].join('\n')
}

/** @throws StreamError FIELD_UNKNOWN when a feature is missing, SCORE_INVALID when it is no finite number */
export function vectorOf(row: unknown, features: readonly string[], place: string): number[] {
  return features.map(feature => {
    const value = (row as Readonly<Record<string, unknown>> | null)?.[feature]
    if (typeof value === 'number' && Number.isFinite(value)) return value
    if (value === undefined) throw unknownField(feature, row, place)
    throw new StreamError({
      code: 'SCORE_INVALID',
      message: `Cannot score ${place}: feature "${feature}" is ${shown(value)}, a finite number is needed`,
      hint: `Keep such rows out: r => Number.isFinite(r.${feature})`,
    })
  })
}

function defaultRows(rows: number, features: number): number {
  return features === 1 ? Math.max(2, nabProbation(rows)) : defaultWarmUp(features)
}

function numericFields(row: Readonly<Record<string, unknown>>, time: string | undefined): string[] {
  const fields = Object.entries(row).filter(([name, value]) => typeof value === 'number' && name !== time)
  if (fields.length > 0) return fields.map(([name]) => name)
  throw new StreamError({
    code: 'FIELD_UNKNOWN',
    message: `Cannot score rows: the first has no field with a number beside its time`,
    detail: `Fields: ${Object.keys(row).join(', ')}`,
    hint: 'Name them: --features a,b',
  })
}

function parseRow(
  text: string,
  line: number,
): { readonly row: Readonly<Record<string, unknown>>; readonly line: number } {
  let row: unknown
  try {
    row = JSON.parse(text)
  } catch (error) {
    throw undecodable(line, (error as Error).message)
  }
  if (typeof row !== 'object' || row === null || Array.isArray(row)) throw undecodable(line, 'it is no JSON object')
  return { row: row as Readonly<Record<string, unknown>>, line }
}

function undecodable(line: number, detail: string): StreamError {
  return new StreamError({ code: 'VALUE_UNDECODABLE', message: `Cannot read line ${line} of the rows: ${detail}` })
}

function unknownField(field: string, row: unknown, place = 'rows'): StreamError {
  const fields = typeof row === 'object' && row !== null ? Object.keys(row).join(', ') : shown(row)
  return new StreamError({
    code: 'FIELD_UNKNOWN',
    message: `Cannot score ${place}: there is no field "${field}", fields are ${fields}`,
  })
}

function shown(value: unknown): string {
  return typeof value === 'object' ? (JSON.stringify(value) ?? 'nothing') : String(value)
}
