/**
 * Small building blocks for expansions: object literals of options, bodies as expressions.
 */
import type { HeaderValue, OptionDefinition, Piece, Section, SectionContext, Span } from './define.ts'
import { fieldPlaces } from './fields.ts'
import { title } from './header.ts'
import { parseExpression, parseProperties, type Node } from './typescript.ts'
import { quote, valueCode } from './values.ts'

/** `{ from: 'earliest', limit: 5 }` of the options named; nothing when none is given. Key: option name, value: property name. */
export function optionsObject(
  section: Section,
  context: SectionContext,
  properties: Readonly<Record<string, string>>,
): Piece[] {
  const entries: Piece[][] = []
  for (const [option, property] of Object.entries(properties)) {
    const value = section.options.get(option)?.[0]
    if (value === undefined) continue
    entries.push([{ code: `${property}: ` }, ...optionCode(section, context, option, value)])
  }
  return objectOf(entries)
}

export function optionCode(section: Section, context: SectionContext, option: string, value: HeaderValue): Piece[] {
  const definition = section.definition.options.find(candidate => candidate.name === option) as OptionDefinition
  if (definition.type === 'flag') return [{ code: 'true', from: value }]
  return valueCode(value, definition.type, context.verbatim)
}

export function objectOf(entries: readonly (readonly Piece[])[]): Piece[] {
  if (entries.length === 0) return []
  return [{ code: '{ ' }, ...join(entries, ', '), { code: ' }' }]
}

export function join(lists: readonly (readonly Piece[])[], separator: string): Piece[] {
  return lists.flatMap((list, i) => (i === 0 ? [...list] : [{ code: separator }, ...list]))
}

/** `, {…}` when there is something to say. */
export function further(argument: readonly Piece[]): Piece[] {
  return argument.length === 0 ? [] : [{ code: ', ' }, ...argument]
}

/** `['a', 'b']`, each field with its own place; an expression stays as it is. */
export function fieldList(value: HeaderValue, context: SectionContext): Piece[] {
  if (value.expression) return [...context.verbatim(value.inner)]
  const names = fieldPlaces(value).map(field => [{ code: quote(field.text), from: field }])
  return [{ code: '[' }, ...join(names, ', '), { code: ']' }]
}

export interface BodyExpression {
  readonly span: Span
  readonly node: Node
  /** Add to a node's offset to get one of the cell. */
  readonly offset: number
}

/** The body as one expression; comments around it and a `;` behind it are left out. */
export function expressionBody(section: Section, context: SectionContext): BodyExpression | undefined {
  if (section.body === undefined) return undefined
  const body = withoutSemicolon(section.body)
  const parsed = parseExpression(body.text)
  if (parsed.node === undefined) {
    if (context.lenient === true) return unparsed(body)
    failBody(section, context, body, parsed.error, 'one TypeScript expression')
  }
  if (parsed.node.type === 'SequenceExpression') {
    const second = (parsed.node['expressions'] as Node[])[1] as Node
    failBody(
      section,
      context,
      body,
      { message: 'a comma parts it in two', at: second.start - parsed.shift },
      'one TypeScript expression',
    )
  }
  return bodyPart(body, parsed.node, parsed.shift)
}

/** The body as the properties of an object, with or without its braces; each property by itself. */
export function propertiesBody(section: Section, context: SectionContext): BodyExpression[] | undefined {
  if (section.body === undefined) return undefined
  const body = withoutSemicolon(section.body)
  const braced = parseExpression(body.text)
  const parsed = braced.node?.type === 'ObjectExpression' ? braced : parseProperties(body.text)
  if (parsed.node === undefined) {
    if (context.lenient === true) return [unparsed(body)]
    failBody(section, context, body, parsed.error, "a list like total: sum('amount'), n: count()")
  }
  return (parsed.node['properties'] as Node[]).map(property => bodyPart(body, property, parsed.shift))
}

/** What is being typed: the type server makes of it what it can. */
function unparsed(body: Span): BodyExpression {
  const start = body.start + (body.text.length - body.text.trimStart().length)
  const text = body.text.trim()
  const span = { start, end: start + text.length, text }
  return { span, node: { type: 'Unparsed', start: 0, end: text.length }, offset: start }
}

function bodyPart(body: Span, node: Node, shift: number): BodyExpression {
  const offset = body.start - shift
  const start = node.start + offset
  const end = node.end + offset
  return { span: { start, end, text: body.text.slice(start - body.start, end - body.start) }, node, offset }
}

function withoutSemicolon(body: Span): Span {
  const text = body.text.replace(/;\s*$/, '')
  return { start: body.start, end: body.start + text.length, text }
}

function failBody(
  section: Section,
  context: SectionContext,
  body: Span,
  error: { message: string; at: number } | undefined,
  expected: string,
): never {
  const blank = body.text.length - body.text.trimStart().length
  // An error at the very end would stand below the last line: it points behind the last character instead.
  const last = Math.max(blank, body.text.trimEnd().length - 1)
  const at = body.start + Math.min(Math.max(error?.at ?? blank, blank), last)
  context.fail(
    `The body of ${title(section.definition)} does not parse as ${expected}: ${error?.message ?? 'it is empty'}`,
    { start: at, end: at + 1, text: '' },
  )
}
