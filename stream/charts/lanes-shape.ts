/** Whether a value has the shape of a join at work: what a notebook file tells may have been written by anybody. */
import { isPlain } from './shape.ts'
import type { JoinStatus } from './protocol.ts'

const MANY = 400

export function isJoinStatus(value: unknown): value is JoinStatus {
  if (!isPlain(value)) return false
  const { kind, type, text, names, sides, rows, lines, unmatched, followed } = value
  const texts =
    [kind, type, text].every(one => typeof one === 'string') &&
    typeof followed === 'boolean' &&
    typeof value['everyKey'] === 'number'
  const instants = isInstantOrNull(value['watermarkMs']) && isInstantOrNull(value['sinceMs'])
  if (!texts || !instants || !isPair(names, one => typeof one === 'string') || !isPair(sides, isSide)) return false
  return (
    isList(rows, isRow) &&
    isList(unmatched, one => isAlone(one)) &&
    isList(lines, one => isPair(one, place => typeof place === 'number' && Number.isInteger(place)))
  )
}

function isSide(value: unknown): boolean {
  const counts = ['rowCount', 'bytes', 'matchedCount', 'waitingCount', 'keptCount', 'unmatchedCount', 'unfollowedCount']
  return isPlain(value) && counts.every(name => typeof value[name] === 'number')
}

function isRow(value: unknown): boolean {
  return (
    isRowOfSide(value) &&
    ['matched', 'waiting', 'kept', 'unmatched'].includes(String(value['state'])) &&
    isInstantOrNull(value['untilMs'])
  )
}

function isAlone(value: unknown): boolean {
  return (
    isRowOfSide(value) &&
    isInstantOrNull(value['endedMs']) &&
    ['time', 'noKey', 'absent'].includes(String(value['reason'])) &&
    typeof value['row'] === 'string'
  )
}

function isRowOfSide(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isPlain(value)) return false
  const { side, key, number, atMs } = value
  const keyed = key === null || typeof key === 'string'
  return (side === 0 || side === 1) && keyed && typeof number === 'number' && typeof atMs === 'number'
}

/** Beyond what a Date can hold no instant can be written. */
function isInstantOrNull(value: unknown): boolean {
  return value === null || (typeof value === 'number' && Math.abs(value) <= 8.64e15)
}

function isPair(value: unknown, each: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length === 2 && value.every(each)
}

function isList(value: unknown, each: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length <= MANY && value.every(each)
}
