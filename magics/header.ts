/**
 * The header of a magic: words, quotes as in a shell, `--opt value`, `--opt=value`, `--` ends options, `{expr}` is a TypeScript
 * expression, `(expr)` one where a STREAM may stand. Every word is used or refused.
 */
import { closest, distance } from 'fastest-levenshtein'
import type { HeaderValue, MagicDefinition, OptionDefinition, PositionalDefinition, Span } from './define.ts'
import { matchBracket } from './scan.ts'
import { parseExpression } from './typescript.ts'
import { UsageError } from './usage-error.ts'
import { placeholder, wrongValue } from './values.ts'

export interface ParsedHeader {
  readonly positionals: readonly HeaderValue[]
  readonly options: ReadonlyMap<string, readonly HeaderValue[]>
  readonly quiet: boolean
}

/** `rest` is what follows the name on the header line; `at` the name itself, for what is missing. */
export function parseHeader(cell: string, definition: MagicDefinition, rest: Span, at: Span): ParsedHeader {
  const reader = new HeaderReader(cell, definition, rest)
  if (definition.raw === true) return { ...reader.readRaw(), options: new Map() }
  reader.readAll()
  const missing = definition.positionals.find((positional, i) => positional.required && i >= reader.positionals.length)
  if (missing !== undefined) {
    reader.fail(
      `${title(definition)} needs ${article(missing.name)} ${missing.name}`,
      at,
      definition.examples[0]?.text.split('\n')[0],
    )
  }
  return { positionals: reader.positionals, options: reader.options, quiet: reader.quiet }
}

export function title(definition: MagicDefinition): string {
  return `${definition.kind === 'cell' ? '%%' : '%'}${definition.name}`
}

/** One line: `%%window [STREAM] [--tumbling 10s] …`. */
export function usageOf(definition: MagicDefinition): string {
  const positionals = definition.positionals.map(positional => {
    const name = positional.name + (positional.repeated === true ? '…' : '')
    return positional.required ? name : `[${name}]`
  })
  const options = definition.options.map(option =>
    option.type === 'flag' ? `[--${option.name}]` : `[--${option.name} ${placeholder(option)}]`,
  )
  return [title(definition), ...positionals, ...options].join(' ')
}

/** The name that was probably meant, or undefined when none is near. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined
  const plain = names.map(name => name.toLowerCase())
  const best = closest(word.toLowerCase(), plain)
  const away = distance(word.toLowerCase(), best)
  return away <= Math.max(1, Math.ceil(word.length / 3)) && away < word.length ? names[plain.indexOf(best)] : undefined
}

function article(word: string): string {
  return /^[AEIO]/.test(word) ? 'an' : 'a'
}

class HeaderReader {
  readonly positionals: HeaderValue[] = []
  readonly options = new Map<string, HeaderValue[]>()
  quiet = false
  private readonly cell: string
  private readonly definition: MagicDefinition
  private at: number
  private end: number
  private literal = false

  constructor(cell: string, definition: MagicDefinition, rest: Span) {
    this.cell = cell
    this.definition = definition
    this.at = rest.start
    this.end = rest.start + rest.text.trimEnd().length
  }

  fail(message: string, at: { readonly start: number; readonly end: number }, hint?: string): never {
    throw new UsageError(message, {
      cell: this.cell,
      start: at.start,
      end: at.end,
      hint,
      usage: usageOf(this.definition),
    })
  }

  readRaw(): { positionals: HeaderValue[]; quiet: boolean } {
    this.skipBlanks()
    const inner = this.span(this.at, this.end)
    if (inner.text === '') {
      const positional = this.definition.positionals[0]
      if (positional?.required === true)
        this.fail(`${title(this.definition)} needs ${article(positional.name)} ${positional.name}`, inner)
      return { positionals: [], quiet: false }
    }
    return { positionals: [{ ...inner, inner, value: inner.text, expression: false, literal: false }], quiet: false }
  }

  readAll(): void {
    for (this.skipBlanks(); this.at < this.end; this.skipBlanks()) {
      const char = this.cell[this.at]
      if (char === ';' && this.at === this.end - 1) {
        this.quiet = true
        return
      }
      if (!this.literal && this.startsWith('--')) this.readOption()
      else if (!this.literal && /^-[A-Za-z]/.test(this.cell.slice(this.at, this.at + 2)))
        this.unknownOption(this.bareWord())
      else this.readPositional()
    }
  }

  private readPositional(): void {
    const index = Math.min(this.positionals.length, this.definition.positionals.length - 1)
    const positional = this.definition.positionals[index]
    if (positional === undefined || (this.positionals.length > index && positional.repeated !== true)) {
      const word = this.bareWord()
      this.fail(`${title(this.definition)} takes no further word: ${word.text}`, word, this.optionNamed(word.text))
    }
    const value = positional.type === 'stream' && this.cell[this.at] === '(' ? this.readBracket('(') : this.readValue()
    this.checkKind(value, positional.name, positional)
    this.positionals.push(value)
  }

  /** `%%window orders tumbling 10s`: the dashes were forgotten. */
  private optionNamed(word: string): string | undefined {
    return this.definition.options.some(option => option.name === word) ? `--${word}` : undefined
  }

  private readOption(): void {
    const start = this.at
    this.at += 2
    const name = /^[\w-]*/.exec(this.cell.slice(this.at, this.end))?.[0] ?? ''
    this.at += name.length
    const typed = this.span(start, this.at)
    if (name === '' && (this.at === this.end || /\s/.test(this.cell[this.at] as string))) {
      this.literal = true
      return
    }
    const option = this.definition.options.find(candidate => candidate.name === name)
    if (option === undefined) this.unknownOption(typed)
    const assigned = this.cell[this.at] === '=' && this.at < this.end
    if (this.options.has(name) && option.repeated !== true) this.fail(`--${name} is given twice`, typed)
    if (option.type === 'flag') {
      if (assigned) this.fail(`--${name} takes no value`, this.span(start, this.bareWord().end), `--${name}`)
      this.expectBlank()
      this.store(name, { ...typed, inner: typed, value: 'true', expression: false, literal: false })
      return
    }
    if (assigned) this.at++
    else {
      this.expectBlank()
      this.skipBlanks()
    }
    const missing =
      this.at >= this.end || (assigned && /\s/.test(this.cell[this.at] as string)) || this.lonelySemicolon()
    if (missing || (!assigned && /^--[A-Za-z]/.test(this.cell.slice(this.at, this.at + 3)))) {
      this.fail(`--${name} needs a value`, typed, `--${name} ${placeholder(option)}`)
    }
    const value = this.readValue()
    this.checkKind(value, `--${name}`, option)
    this.store(name, value)
  }

  private lonelySemicolon(): boolean {
    return this.at === this.end - 1 && this.cell[this.at] === ';'
  }

  private unknownOption(typed: Span): never {
    const names = this.definition.options.map(option => option.name)
    const near = nearest(typed.text.replace(/^-+/, ''), names)
    const meant = near === undefined ? '' : `, did you mean --${near}`
    const hint = near === undefined ? undefined : `--${near}`
    this.fail(`${title(this.definition)} has no option ${typed.text}${meant}`, typed, hint)
  }

  private store(name: string, value: HeaderValue): void {
    this.options.set(name, [...(this.options.get(name) ?? []), value])
  }

  private checkKind(value: HeaderValue, name: string, kind: OptionDefinition | PositionalDefinition): void {
    if (value.expression && (kind.type === 'name' || kind.type === 'magic')) {
      this.fail(`${name} is a name: an expression cannot stand here`, value)
    }
    const wrong = wrongValue(value, kind)
    if (wrong === undefined) return
    const choices = 'choices' in kind ? kind.choices : undefined
    const near = choices === undefined ? undefined : nearest(value.value, choices)
    this.fail(
      `${name} of ${title(this.definition)} is "${value.value}": ${wrong}`,
      value,
      near === undefined ? undefined : this.corrected(name, near),
    )
  }

  private corrected(name: string, value: string): string {
    return name.startsWith('--') ? `${name} ${value}` : value
  }

  private readValue(): HeaderValue {
    return this.cell[this.at] === '{' ? this.readBracket('{') : this.readWord()
  }

  /** `{expr}` stands for the expression, `(expr)` for itself with its brackets, so that a chain may follow. */
  private readBracket(open: '{' | '('): HeaderValue {
    const start = this.at
    const close = matchBracket(this.cell.slice(start, this.end), 0)
    if (close < 0) this.fail(`The expression has no closing ${open === '{' ? '}' : ')'}`, this.span(start, this.end))
    const whole = this.span(start, start + close + 1)
    const parsed = parseExpression(whole.text.slice(1, -1))
    if (parsed.error !== undefined) {
      const at = Math.min(start + 1 + parsed.error.at, whole.end - 1)
      this.fail(`The expression does not parse: ${parsed.error.message}`, { start: at, end: at + 1 })
    }
    this.at = whole.end
    this.expectBlank()
    const inner = open === '(' ? whole : this.span(whole.start + 1, whole.end - 1)
    return { ...whole, inner, value: inner.text.trim(), expression: true, literal: this.literal }
  }

  /** One word as a shell reads it: 'as it is', "with \" escapes", \x outside. */
  private readWord(): HeaderValue {
    const start = this.at
    let value = ''
    while (this.at < this.end && !/\s/.test(this.cell[this.at] as string)) {
      const char = this.cell[this.at] as string
      if (char === ';' && this.at === this.end - 1) break
      if (char === "'" || char === '"') value += this.readQuoted(char)
      else if (char === '\\' && this.at + 1 < this.end) {
        value += this.cell[this.at + 1]
        this.at += 2
      } else {
        value += char
        this.at++
      }
    }
    const whole = this.span(start, this.at)
    const plainQuotes = /^(['"])[^'"\\]*\1$/.test(whole.text)
    const inner = plainQuotes ? this.span(start + 1, this.at - 1) : whole
    return { ...whole, inner, value, expression: false, literal: this.literal }
  }

  private readQuoted(quote: string): string {
    const start = this.at
    let value = ''
    for (this.at++; this.at < this.end; this.at++) {
      const char = this.cell[this.at] as string
      if (char === quote) {
        this.at++
        return value
      }
      const escaped =
        quote === '"' && char === '\\' && /["\\$`]/.test(this.cell[this.at + 1] ?? '') && this.at + 1 < this.end
      if (escaped) this.at++
      value += this.cell[this.at]
    }
    this.fail(`The quote ${quote} is not closed`, this.span(start, this.end))
  }

  private bareWord(): Span {
    const start = this.at
    while (this.at < this.end && !/\s/.test(this.cell[this.at] as string)) this.at++
    return this.span(start, this.at)
  }

  private expectBlank(): void {
    if (this.at >= this.end || /\s/.test(this.cell[this.at] as string) || this.lonelySemicolon()) return
    const word = this.bareWord()
    this.fail(`A blank is missing before ${word.text}`, word)
  }

  private skipBlanks(): void {
    while (this.at < this.end && /\s/.test(this.cell[this.at] as string)) this.at++
  }

  private startsWith(text: string): boolean {
    return this.at + text.length <= this.end && this.cell.startsWith(text, this.at)
  }

  private span(start: number, end: number): Span {
    return { start, end, text: this.cell.slice(start, end) }
  }
}
