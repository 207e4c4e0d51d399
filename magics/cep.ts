/** `%%cep STREAM`: event patterns. The body is a list: `pattern:`, a definition for each of its names, `select:`. */
import { checkPattern } from '../stream/patterns/check.ts'
import { parsePattern } from '../stream/patterns/parse.ts'
import type { Pattern } from '../stream/patterns/pattern.ts'
import { StreamError } from '../stream/errors.ts'
import { further, objectOf, optionsObject } from './code.ts'
import {
  defineMagic,
  type MagicDefinition,
  type Piece,
  type Section,
  type SectionContext,
  type Span,
} from './define.ts'
import { parseProperties, type Node } from './typescript.ts'
import { quote } from './values.ts'
import { keyFields } from './window.ts'

export const cep: MagicDefinition = defineMagic({
  name: 'cep',
  kind: 'cell',
  summary: 'Finds patterns of events: a row for each match.',
  positionals: [
    { name: 'STREAM', type: 'stream', required: false, summary: 'The stream; without it the section above.' },
  ],
  options: [
    {
      name: 'by',
      type: 'fields',
      ofInput: true,
      summary: 'Key fields: each of their values is looked at for itself.',
      example: 'card',
    },
    {
      name: 'within',
      type: 'duration',
      summary: 'From the first event of a match to its last, less than this.',
      example: '10m',
    },
    {
      name: 'skip',
      type: 'text',
      summary:
        'What a match leaves for the next one: past-last nothing up to its last event, to-next all but its first event, to-first=STEP and to-last=STEP what begins there, none all; STEP! must have taken an event.',
      default: 'past-last',
      example: 'past-last|to-next|to-first=X|to-last=X|none',
      check: text =>
        /^(?:none|past-last|to-next|to-(?:first|last)=[A-Za-z]\w*!?)$/.test(text)
          ? undefined
          : 'it is past-last, to-next, to-first=STEP, to-last=STEP or none',
    },
    {
      name: 'near-miss',
      type: 'flag',
      summary:
        'Rows are the partial matches that came to nothing, with the step they waited for and the event and condition that ended them.',
    },
    { name: 'as', type: 'name', summary: 'Name of the result.', example: 'fraud' },
  ],
  body: {
    required: true,
    summary:
      'pattern: small{3,} -> big, then a definition for each name, small: e => …, big: (e, m) => … with what was taken so far in m, then select: m => row',
  },
  examples: [
    {
      text: "%%cep clicks --by userId --within 10m --as bought\npattern: login -> purchase\nlogin: c => c.page === 'login'\npurchase: c => c.page === 'purchase'",
      says: 'A login and the next purchase of the same user, other clicks between them passed over.',
    },
    {
      text: '%%cep payments --by card --within 1m --as fraud\npattern: small{3,} -> big\nsmall: p => p.amount < 10\nbig: (p, m) => p.amount > 10 * mean(m.small, s => s.amount)\nselect: m => ({ card: m.big[0].card, n: m.small.length, amount: m.big[0].amount })',
      says: 'Three or more small payments, then one of more than ten times their mean.',
    },
    {
      text: '%%cep sensors --by machineId --within 5m\npattern: hot -> !cooled\nhot: s => s.temp > 75\ncooled: s => s.temp < 70',
      says: 'A machine that heats up and is not cooled within five minutes.',
    },
    {
      text: '%%cep payments --by card --within 1m --near-miss\npattern: small{3,}, big\nsmall: p => p.amount < 10\nbig: p => p.amount > 500',
      says: 'What came close: the event that came between, and the condition that was false.',
    },
  ],
  glossary: 'Flink: CEP.pattern, MATCH_RECOGNIZE · Kafka Streams: a processor of your own · Beam: a stateful DoFn',
  step: { suffix: 'Matches' },
  expand: (section, context: SectionContext) => {
    const body = bodyOf(section, context)
    const by = section.options.get('by')?.[0]
    const pieces: Piece[] = []
    if (by !== undefined) pieces.push({ code: '\n  .keyBy(' }, ...keyFields(by, context), { code: ')' })
    const pattern = check(section, context, body)
    pieces.push({ code: '\n  .match(' }, { code: quote(body.pattern.text), from: body.pattern }, { code: ', ' })
    pieces.push(...objectOf(body.definitions.map(d => context.verbatim(d.span))))
    pieces.push(...further(optionsObject(section, context, { within: 'within', skip: 'skip' })), { code: ')' })
    const notices: string[] = []
    if (pattern?.canBeEmpty === true)
      notices.push(`the pattern ${body.pattern.text} can match nothing at all; a match without an event is never given`)
    if (section.options.has('near-miss')) pieces.push({ code: '\n  .nearMisses()' })
    else if (body.select !== undefined)
      pieces.push({ code: '\n  .select(' }, ...context.verbatim(body.select), { code: ')' })
    if (section.options.has('near-miss') && body.select !== undefined)
      notices.push('with --near-miss the rows are near misses, select is for matches')
    return { pieces, notices }
  },
})

interface Body {
  /** Line ends are blanks, so that places stay. */
  readonly pattern: Span
  /** `name: lambda`, with the name. */
  readonly definitions: readonly { readonly name: string; readonly span: Span }[]
  readonly select: Span | undefined
}

const START = /^\s*([A-Za-z_$][\w$]*)\s*:/

function bodyOf(section: Section, context: SectionContext): Body {
  const body = section.body as Span
  const lines = linesOf(body)
  const first = lines.findIndex(line => line.text.trim() !== '')
  const head = lines[first]
  const label = head === undefined ? null : /^\s*pattern\s*:/.exec(head.text)
  if (head === undefined || label === null) {
    context.fail('The body of %%cep does not begin with its pattern', head ?? body, 'pattern: a -> b')
  }
  let next = first + 1
  while (next < lines.length && !START.test((lines[next] as Span).text)) next++
  const pattern = trimmed(cut(body, head.start + label[0].length, lines[next - 1]?.end ?? head.end))
  const found: { name: string; span: Span; value: Span }[] = []
  while (next < lines.length) {
    const at = lines[next] as Span
    if (at.text.trim() === '' || at.text.trim().startsWith('//')) {
      next++
      continue
    }
    const { until, properties } = definitionsAt(section, context, body, lines, next)
    found.push(...properties)
    next = until
  }
  return {
    pattern: { ...pattern, text: pattern.text.replace(/\s/g, ' ').replace(/[,;]\s*$/, '') },
    definitions: found.filter(d => d.name !== 'select'),
    select: found.find(d => d.name === 'select')?.value,
  }
}

/** A definition ends where its expression ends: lines are added until they parse and a new name, or nothing, follows. */
function definitionsAt(
  section: Section,
  context: SectionContext,
  body: Span,
  lines: readonly Span[],
  from: number,
): { until: number; properties: { name: string; span: Span; value: Span }[] } {
  const start = (lines[from] as Span).start
  let error: { message: string; at: number } | undefined
  for (let until = from + 1; until <= lines.length; until++) {
    const following = lines[until]
    if (following !== undefined && !START.test(following.text) && following.text.trim() !== '') continue
    const text = cut(body, start, (lines[until - 1] as Span).end).text.replace(/[,;]\s*$/, '')
    const parsed = parseProperties(text)
    error ??= parsed.error
    if (parsed.node === undefined) continue
    const properties = (parsed.node['properties'] as Node[]).map(node => {
      const key = node['key'] as Node | undefined
      const value = node['value'] as Node | undefined
      const place = (n: Node): Span => cut(body, start + n.start - parsed.shift, start + n.end - parsed.shift)
      return { name: String(key?.['name'] ?? ''), span: place(node), value: place(value ?? node) }
    })
    return { until, properties }
  }
  const rest = trimmed(cut(body, start, body.end))
  if (context.lenient === true) {
    const name = START.exec(rest.text)?.[1] ?? ''
    return { until: lines.length, properties: [{ name, span: rest, value: rest }] }
  }
  const at = Math.min(start + Math.max(0, error?.at ?? 0), body.start + body.text.trimEnd().length - 1)
  return context.fail(
    `A definition of %%cep does not parse: ${error?.message ?? 'a name and a lambda are expected'}`,
    { start: at, end: at + 1, text: '' },
    'small: e => e.amount < 10',
  )
}

/** Mistakes in the pattern point at their place in the cell. */
function check(section: Section, context: SectionContext, body: Body): Pattern | undefined {
  const value = (name: string) => {
    const given = section.options.get(name)?.[0]
    return given === undefined || given.expression ? undefined : given.value
  }
  try {
    const pattern = parsePattern(body.pattern.text)
    // A window that is an expression is known when the cell runs; until then a final "!" is taken to have one.
    const within = section.options.get('within')?.[0]?.expression === true ? Number.MAX_SAFE_INTEGER : value('within')
    checkPattern(
      pattern,
      body.definitions.map(d => d.name),
      { within, skip: value('skip') },
    )
    return pattern
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    if (context.lenient === true) return undefined
    const given = error.rule === 'unknown-skip-target' ? section.options.get('skip')?.[0] : undefined
    return context.fail(error.message, given ?? placeOf(error, body), error.hint)
  }
}

/** From the caret of the error to a place in the cell. */
function placeOf(error: StreamError, body: Body): Span {
  const caret = error.detail?.split('\n').at(-1) ?? ''
  const at = caret.indexOf('^') - 2
  if (at >= 0) {
    const start = body.pattern.start + at
    return { start, end: start + caret.trim().length, text: '' }
  }
  const unused = /definition "(\w+)"/.exec(error.message)?.[1]
  return body.definitions.find(d => d.name === unused)?.span ?? body.pattern
}

function linesOf(body: Span): Span[] {
  const lines: Span[] = []
  let start = body.start
  for (const text of body.text.split('\n')) {
    lines.push({ start, end: start + text.length, text })
    start += text.length + 1
  }
  return lines
}

function cut(body: Span, start: number, end: number): Span {
  return { start, end, text: body.text.slice(start - body.start, end - body.start) }
}

function trimmed(span: Span): Span {
  const start = span.start + (span.text.length - span.text.trimStart().length)
  const text = span.text.trim()
  return { start, end: start + text.length, text }
}
