/** Fields named in a header are columns of the stream it reads: a wrong one is told there, where it was typed. */
import type { HeaderValue, KnownColumns, OptionDefinition, Section, SectionContext } from './define.ts'
import { namesOf } from '../stream/joins.ts'
import { nearest } from './header.ts'

export interface FieldPlace {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Each field of `a,b` with its own place, so that an error points at the one that is wrong. */
export function fieldPlaces(value: HeaderValue): FieldPlace[] {
  const exact = value.inner.text === value.value
  let at = value.inner.start
  return value.value.split(',').map(part => {
    const start = at + (part.length - part.trimStart().length)
    at += part.length + 1
    const text = part.trim()
    return exact ? { start, end: start + text.length, text } : { start: value.start, end: value.end, text }
  })
}

/** Throws at the first field option marked `ofInput` that names none of the columns. */
export function checkFields(
  section: Section,
  stream: string,
  columns: readonly string[],
  context: SectionContext,
): void {
  for (const option of section.definition.options.filter(one => one.ofInput === true)) {
    for (const value of section.options.get(option.name) ?? []) {
      if (!value.expression) checkValue(option, value, stream, columns, context)
    }
  }
}

function checkValue(
  option: OptionDefinition,
  value: HeaderValue,
  stream: string,
  columns: readonly string[],
  context: SectionContext,
): void {
  const places = option.type === 'fields' ? fieldPlaces(value) : [{ ...value.inner, text: value.value }]
  const wrong = places.find(place => !columns.includes(place.text))
  if (wrong === undefined) return
  const near = nearest(wrong.text, columns)
  const rest = places.map(place => (place === wrong ? (near ?? columns[0]) : place.text)).join(',')
  context.fail(noField({ name: stream, columns }, wrong.text), wrong, `--${option.name} ${rest}`)
}

/** Each column of `a=b,c`: left, right, or the one name both sides have. */
export function checkSides(
  value: HeaderValue,
  sides: readonly (KnownColumns | undefined)[],
  context: SectionContext,
): void {
  const places = fieldPlaces(value)
  for (const place of places) {
    const { left, right } = namesOf(place.text)
    for (const [side, name] of [left, right].entries()) {
      const known = sides[side]
      if (known === undefined || known.columns.includes(name)) continue
      const field = nearest(name, known.columns) ?? known.columns[0] ?? ''
      const both = left === right && sides[1 - side]?.columns.includes(field) !== false
      const meant = both ? field : side === 0 ? `${field}=${right}` : `${left}=${field}`
      const rest = places.map(each => (each === place ? meant : each.text)).join(',')
      context.fail(noField(known, name), place, `--on ${rest}`)
    }
  }
}

function noField({ name, columns }: KnownColumns, field: string): string {
  const near = nearest(field, columns)
  return `${name} has no field ${field}${near === undefined ? '' : `, did you mean ${near}`}; its fields are ${columns.join(', ')}`
}
