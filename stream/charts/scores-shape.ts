/** Whether a value has the shape of how scores were made: what a notebook file tells may have been written by anybody. */
import type { ScoresStatus } from './protocol.ts'

const MANY = 10_000

export function isScoresStatus(value: unknown): value is ScoresStatus {
  if (typeof value !== 'object' || value === null) return false
  const { features, by, param, compares, model, source, labels, labelFile, trained } = value as Readonly<
    Record<string, unknown>
  >
  return (
    isList(features, one => typeof one === 'string') &&
    isList(by, one => typeof one === 'string') &&
    (param === null || typeof param === 'string') &&
    (compares === null || compares === 'value' || compares === 'oneIn') &&
    (model === undefined || typeof model === 'string') &&
    (trained === undefined || isTrained(trained)) &&
    typeof source === 'string' &&
    typeof labelFile === 'string' &&
    isList(labels, one => isList(one, at => typeof at === 'number') && one.length === 2)
  )
}

function isTrained(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { version, training, problem, sinceMs } = value as Readonly<Record<string, unknown>>
  return (
    typeof version === 'number' &&
    typeof training === 'boolean' &&
    (problem === null || typeof problem === 'string') &&
    (sinceMs === null || typeof sinceMs === 'number')
  )
}

function isList(value: unknown, each: (one: unknown) => boolean): value is readonly unknown[] {
  return Array.isArray(value) && value.length <= MANY && value.every(each)
}
