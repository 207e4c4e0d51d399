/**
 * Completion and hover inside a magic's header: names, options, and values by their type. Bodies and `{expr}` are TypeScript:
 * for them the answer is undefined and the type server's counts.
 */
import type { ExpandContext, MagicDefinition, OptionDefinition, PositionalDefinition, ValueType } from './define.ts'
import { title } from './header.ts'
import { helpPage, optionUsage, type HelpPage } from './help.ts'
import { looksUp } from './names.ts'
import { matchBracket } from './scan.ts'
import { splitCell, type MagicPart } from './split.ts'

export interface Completion {
  readonly matches: readonly CompletionMatch[]
  /** What the matches replace, UTF-16 offsets of the cell. */
  readonly start: number
  readonly end: number
}

export interface CompletionMatch {
  readonly text: string
  readonly kind: 'magic' | 'option' | 'value' | 'topic' | 'stream' | 'field'
}

export interface MagicHover extends HelpPage {
  readonly start: number
  readonly end: number
}

type Known = Pick<ExpandContext, 'streams' | 'topics' | 'names'>

interface Word {
  readonly start: number
  readonly text: string
}

export class MagicCompleter {
  private readonly magics: readonly MagicDefinition[]

  constructor(magics: readonly MagicDefinition[]) {
    this.magics = magics
  }

  complete(text: string, cursor: number, known: Known): Completion | undefined {
    const lineStart = text.lastIndexOf('\n', cursor - 1) + 1
    const before = text.slice(lineStart, cursor)
    const name = /^[ \t]*(%%?)([\w-]*)$/.exec(before)
    if (name !== null) return this.completeName(text, lineStart, cursor, name[1] as string, name[2] as string)
    const part = this.headerAt(text.slice(0, cursor), lineStart)
    const magic =
      part === undefined ? undefined : this.magics.find(known => known.name === part.name && known.kind === part.kind)
    if (part === undefined || magic === undefined) return undefined
    const words = wordsOf(text, part.nameSpan.end, cursor)
    if (words === undefined) return undefined
    return completeWord(magic, words, cursor, known, this.magics, this.streamAbove(text, part, known))
  }

  hover(text: string, cursor: number): MagicHover | undefined {
    const lineStart = text.lastIndexOf('\n', cursor - 1) + 1
    const newline = text.indexOf('\n', lineStart)
    const part = this.headerAt(text.slice(0, newline < 0 ? text.length : newline), lineStart)
    const magic = part === undefined ? undefined : this.magics.find(known => known.name === part.name)
    if (part === undefined || magic === undefined) return undefined
    const { start, end } = part.nameSpan
    if (cursor >= start && cursor <= end) return { ...helpPage(magic), start, end }
    for (const found of part.rest.text.matchAll(/--([\w-]+)/g)) {
      const at = part.rest.start + found.index
      const option = magic.options.find(candidate => candidate.name === found[1])
      if (option === undefined || cursor < at || cursor > at + found[0].length) continue
      const fallback = option.default === undefined ? '' : ` Default ${option.default}.`
      const usage = optionUsage(option)
      return {
        text: `${usage}\n${option.summary}${fallback}`,
        markdown: `\`${usage}\`\n\n${option.summary}${fallback}`,
        start: at,
        end: at + found[0].length,
      }
    }
    return undefined
  }

  private completeName(
    text: string,
    lineStart: number,
    cursor: number,
    percent: string,
    typed: string,
  ): Completion | undefined {
    const start = cursor - percent.length - typed.length
    // Whether a magic may stand here at all: a name is put where it is still missing.
    if (this.headerAt(`${text.slice(0, start)}${percent}x`, lineStart) === undefined) return undefined
    const names = this.magics.filter(magic => percent === '%' || magic.kind === 'cell').map(title)
    const matches = names
      .filter(name => name.replace(/^%+/, '').startsWith(typed))
      .map(name => ({ text: name, kind: 'magic' as const }))
    return { matches, start, end: cursor }
  }

  private headerAt(text: string, lineStart: number): MagicPart | undefined {
    const part = splitCell(text, name => this.magics.find(magic => magic.name === name)).at(-1)
    if (part === undefined || part.kind === 'typescript' || part.kind === 'help') return undefined
    return part.header.start >= lineStart ? part : undefined
  }

  /** The stream a section without STREAM continues. */
  private streamAbove(text: string, part: MagicPart, known: Known): string | undefined {
    const above = splitCell(text.slice(0, part.header.start), name => this.magics.find(magic => magic.name === name))
    for (const earlier of above.reverse()) {
      if (earlier.kind !== 'cell' && earlier.kind !== 'line') continue
      const first = wordsOf(text, earlier.nameSpan.end, earlier.header.end)?.[0]?.text
      const name = first === undefined ? undefined : looksUp(first, candidate => known.streams.has(candidate))
      if (name !== undefined) return name
    }
    return undefined
  }
}

/** Words up to the cursor, the last one being typed (empty behind a blank); undefined inside an expression. */
function wordsOf(text: string, from: number, cursor: number): Word[] | undefined {
  const words: Word[] = []
  let start = -1
  let quote = ''
  for (let at = from; at < cursor; at++) {
    const char = text[at] as string
    if (quote !== '') {
      if (char === quote) quote = ''
    } else if (/\s/.test(char)) {
      if (start >= 0) words.push({ start, text: text.slice(start, at) })
      start = -1
    } else {
      const begins = start < 0 || text[at - 1] === '='
      if (start < 0) start = at
      if (begins && (char === '{' || char === '(')) {
        const close = matchBracket(text.slice(at, cursor), 0)
        if (close < 0) return undefined
        at += close
      } else if (char === "'" || char === '"') quote = char
    }
  }
  words.push(start < 0 ? { start: cursor, text: '' } : { start, text: text.slice(start, cursor) })
  return words
}

function completeWord(
  magic: MagicDefinition,
  words: readonly Word[],
  cursor: number,
  known: Known,
  magics: readonly MagicDefinition[],
  above: string | undefined,
): Completion {
  const word = words.at(-1) as Word
  const earlier = words.slice(0, -1)
  const literal = earlier.some(candidate => candidate.text === '--')
  const used = new Set(earlier.map(candidate => /^--([\w-]+)/.exec(candidate.text)?.[1]))
  const positionals: Word[] = []
  let pending: OptionDefinition | undefined
  for (const candidate of earlier) {
    const option = magic.options.find(one => candidate.text === `--${one.name}`)
    if (pending !== undefined) pending = undefined
    else if (option !== undefined) pending = option.type === 'flag' ? undefined : option
    else if (!candidate.text.startsWith('--')) positionals.push(candidate)
  }
  const stream = positionals[0] === undefined ? above : looksUp(positionals[0].text, name => known.streams.has(name))
  const values = (of: OptionDefinition | PositionalDefinition, start: number): Completion => {
    // Of `a,b` the last field is being typed.
    const from = of.type === 'fields' ? start + text(start).lastIndexOf(',') + 1 : start
    return { matches: startingWith(valuesOf(of, known, magics, stream), text(from)), start: from, end: cursor }
  }
  const text = (start: number): string => word.text.slice(start - word.start)
  if (pending !== undefined) return values(pending, word.start)
  const assigned = /^--([\w-]+)=/.exec(word.text)
  const assignedTo = magic.options.find(option => option.name === assigned?.[1])
  if (assigned !== null && assignedTo !== undefined) return values(assignedTo, word.start + assigned[0].length)
  const options = literal
    ? []
    : magic.options
        .filter(option => !used.has(option.name))
        .map(option => ({ text: `--${option.name}`, kind: 'option' as const }))
  if (word.text.startsWith('-')) return { matches: startingWith(options, word.text), start: word.start, end: cursor }
  const index = Math.min(positionals.length, magic.positionals.length - 1)
  const positional = magic.positionals[index]
  const wanted = positional !== undefined && (positionals.length === index || positional.repeated === true)
  const matches = wanted ? startingWith(valuesOf(positional, known, magics, stream), word.text) : []
  return { matches: [...matches, ...(word.text === '' ? options : [])], start: word.start, end: cursor }
}

function startingWith(matches: readonly CompletionMatch[], prefix: string): CompletionMatch[] {
  return matches.filter(match => match.text.toLowerCase().startsWith(prefix.toLowerCase()))
}

function valuesOf(
  of: OptionDefinition | PositionalDefinition,
  known: Known,
  magics: readonly MagicDefinition[],
  stream: string | undefined,
): CompletionMatch[] {
  const named = 'suggestions' in of ? (of.suggestions ?? []) : []
  const option = of as OptionDefinition
  const choices = option.choices ?? (option.example?.includes('|') === true ? option.example.split('|') : [])
  return [...named, ...choices]
    .map((text): CompletionMatch => ({ text, kind: 'value' }))
    .concat(byType(of.type, known, magics, stream))
}

function byType(
  type: ValueType,
  known: Known,
  magics: readonly MagicDefinition[],
  stream: string | undefined,
): CompletionMatch[] {
  switch (type) {
    case 'stream':
      return [...known.streams.keys()].map(text => ({ text, kind: 'stream' }))
    case 'topic':
      return topicNames(known).map(text => ({ text, kind: 'topic' }))
    case 'field':
    case 'fields':
      return fieldsOf(known, stream).map(text => ({ text, kind: 'field' }))
    case 'magic':
      return magics.map(magic => ({ text: magic.name, kind: 'magic' }))
    default:
      return []
  }
}

/** Topics of the connection `embedded` stand without its name; those of the others as `prod:orders`. */
function topicNames(known: Known): string[] {
  return [...known.topics].flatMap(([connection, names]) =>
    connection === 'embedded' ? names : names.map(name => `${connection}:${name}`),
  )
}

function fieldsOf(known: Known, stream: string | undefined): readonly string[] {
  if (stream !== undefined) return known.streams.get(stream)?.columns ?? []
  return [...new Set([...known.streams.values()].flatMap(({ columns }) => columns))]
}
