/**
 * What a reader picks on a chart, as the `%%chart` header of its cell. The cell stays the one place that says how a chart looks:
 * the picker reads it from there and writes it back there, and everything else of the cell stays as it is typed.
 */
export const CHOICES = ['mark', 'x', 'y', 'color'] as const
export type ChoiceName = (typeof CHOICES)[number]
/** Null: left to the chart. */
export type ChartChoice = Readonly<Record<ChoiceName, string | null>>

const NOTHING: ChartChoice = { mark: null, x: null, y: null, color: null }

/** What the last section of the cell says; nothing where it is no `%%chart`. */
export function readChoice(source: string): ChartChoice {
  const { header } = lastSection(source)
  if (!isChart(header)) return NOTHING
  const words = wordsOf(header)
  return Object.fromEntries(CHOICES.map(name => [name, optionOf(words, name)])) as ChartChoice
}

/**
 * The cell with `choice` in its header. A cell without a `%%chart` gets one as its last section: it continues the stream
 * section above, or names `stream`. Null when there is no such section and the stream has no name to be written.
 */
export function writeChoice(source: string, choice: ChartChoice, stream: string | null): string | null {
  const { before, header, after } = lastSection(source)
  if (isChart(header)) return `${before}${withChoice(header, choice)}${after}`
  if (header === '' && stream === null) return null
  const start = header === '' ? `%%chart ${quoted(stream ?? '')}` : '%%chart'
  return `${source.trimEnd()}\n${withChoice(start, choice)}`
}

interface Section {
  readonly before: string
  /** Its first line, without the line's end; empty when the cell has no section. */
  readonly header: string
  readonly after: string
}

function lastSection(source: string): Section {
  let at = -1
  for (const match of source.matchAll(/^%%[a-z]/gm)) at = match.index
  if (at < 0) return { before: source, header: '', after: '' }
  const end = source.indexOf('\n', at)
  const to = end < 0 ? source.length : end
  return { before: source.slice(0, at), header: source.slice(at, to), after: source.slice(to) }
}

const isChart = (header: string): boolean => /^%%chart(\s|$)/.test(header)

interface Word {
  readonly text: string
  /** As it is typed, with the space before it. */
  readonly typed: string
}

function wordsOf(header: string): Word[] {
  return [...header.matchAll(/\s*((?:"[^"]*"|'[^']*'|\{[^}]*\}|[^\s"'])+)/g)].map(match => ({
    typed: match[0],
    text: (match[1] ?? '').replace(/["']/g, ''),
  }))
}

function optionOf(words: readonly Word[], name: ChoiceName): string | null {
  for (const [index, { text }] of words.entries()) {
    if (text === `--${name}`) return words[index + 1]?.text ?? null
    if (text.startsWith(`--${name}=`)) return text.slice(name.length + 3)
  }
  return null
}

function withChoice(header: string, choice: ChartChoice): string {
  const words = wordsOf(header)
  const kept: string[] = []
  for (let i = 0; i < words.length; i++) {
    const word = words[i]
    if (word === undefined) continue
    const name = CHOICES.find(each => word.text === `--${each}` || word.text.startsWith(`--${each}=`))
    if (name === undefined) kept.push(word.typed)
    else if (word.text === `--${name}`) i++
  }
  const told = CHOICES.flatMap(name => (choice[name] === null ? [] : [` --${name} ${quoted(choice[name])}`]))
  return `${kept.join('')}${told.join('')}`
}

function quoted(value: string): string {
  return /^[\w$.:-]+$/.test(value) ? value : value.includes('"') ? `'${value}'` : `"${value}"`
}
