/** Whether a value has the shape of a pattern at work: what a notebook file tells may have been written by anybody. */
import { isPlain } from './shape.ts'
import type { PatternView } from '../patterns/view.ts'

const MANY = 200

export function isPatternView(value: unknown): value is PatternView {
  if (!isPlain(value) || typeof value['text'] !== 'string') return false
  const { steps, edges, matches, misses, live } = value
  const counts = ['matchCount', 'missCount', 'timeoutCount', 'liveCount'].every(name => typeof value[name] === 'number')
  return (
    counts &&
    isInstantOrNull(value['watermarkMs']) &&
    isInstantOrNull(value['withinMs']) &&
    isList(steps, one => typeof one['name'] === 'string' && typeof one['takenCount'] === 'number') &&
    isList(
      edges,
      one => ['from', 'to', 'count'].every(name => typeof one[name] === 'number') && isTexts(one['nots']),
    ) &&
    isList(matches, isTaken) &&
    isList(
      misses,
      one =>
        isTaken(one) &&
        typeof one['count'] === 'number' &&
        isTexts(one['awaited']) &&
        typeof one['explanation'] === 'string',
    ) &&
    isList(live, one => isTaken(one) && isTexts(one['awaited']))
  )
}

function isTaken(one: Readonly<Record<string, unknown>>): boolean {
  const { key, events } = one
  return (
    (key === null || typeof key === 'string') &&
    Array.isArray(events) &&
    events.length <= MANY &&
    events.every(event => Array.isArray(event) && event.every(part => typeof part === 'number'))
  )
}

function isList(value: unknown, each: (one: Readonly<Record<string, unknown>>) => boolean): boolean {
  return Array.isArray(value) && value.length <= MANY && value.every(one => isPlain(one) && each(one))
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.length <= MANY && value.every(text => typeof text === 'string')
}

function isInstantOrNull(value: unknown): boolean {
  return value === null || typeof value === 'number'
}
