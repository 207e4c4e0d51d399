/**
 * Values in a header by type: what may be typed, how it is written as TypeScript, what help calls it.
 */
import type { HeaderValue, OptionDefinition, Piece, ValueType } from './define.ts'

const DURATION = /^-?\d+(?:\.\d+)?(?:ms|s|m|h|d|w|mo)$/
const INSTANT = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?$/
const INSTANT_WITH_OFFSET = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})$/
export const IDENTIFIER = /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u

/** Words that cannot name a variable of a module. */
export const RESERVED: ReadonlySet<string> = new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum eval export extends false ' +
    'finally for function if implements import in instanceof interface let new null package private protected public return ' +
    'static super switch this throw true try typeof undefined var void while with yield riffle notebook'
  ).split(' '),
)

/** What is wrong with a value, as the end of a sentence; undefined when nothing is. */
export function wrongValue(
  value: HeaderValue,
  option: Pick<OptionDefinition, 'type' | 'choices' | 'check'>,
): string | undefined {
  if (value.expression) return undefined
  return wrongText(value.value, option.type, option.choices) ?? option.check?.(value.value)
}

function wrongText(text: string, type: ValueType, choices: readonly string[] | undefined): string | undefined {
  switch (type) {
    case 'duration':
      if (text === '0' || DURATION.test(text)) return undefined
      return /^-?\d+(?:\.\d+)?$/.test(text)
        ? `a duration has a unit, like ${text}ms, ${text}s or ${text}m`
        : 'a duration is a number with a unit: 500ms, 10s, 5m, 1h, 1d, 1w or 1mo'
    case 'size':
      return /^\d+(?:\.\d+)?(?:B|kB|MB|GB)$/.test(text) ? undefined : 'a size is a number with a unit: 64kB or 10MB'
    case 'integer':
      return /^-?\d{1,15}$/.test(text) ? undefined : 'a whole number is expected, like 3'
    case 'number':
      return /^-?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?$/i.test(text) && Number.isFinite(Number(text))
        ? undefined
        : 'a number is expected, like 0.5'
    case 'percent':
      return wrongPercent(text)
    case 'name':
      if (!IDENTIFIER.test(text)) return 'a name is a TypeScript identifier, like revenue'
      return RESERVED.has(text) ? `${text} is a reserved word, ${text}_ is not` : undefined
    case 'choice':
      return choices === undefined || choices.includes(text) ? undefined : `it is one of ${choices.join(', ')}`
    case 'fields':
      return text.split(',').every(field => field.trim() !== '')
        ? undefined
        : 'fields are separated by single commas: a,b'
    case 'instant':
      return wrongInstant(text)
    case 'url':
      return /\s/.test(text) || text === '' ? 'a URL is expected, like kafka://localhost:9092' : undefined
    default:
      return text.trim() === '' ? 'it is empty' : undefined
  }
}

function wrongPercent(text: string): string | undefined {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text)
  const share = match === null ? Number.NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1)
  return share >= 0 && share <= 1 ? undefined : 'a share is between 0% and 100%, like 5% or 0.05'
}

function wrongInstant(text: string): string | undefined {
  if (INSTANT_WITH_OFFSET.test(text) && Number.isFinite(Date.parse(text))) return undefined
  if (INSTANT.test(text))
    return `an instant has an offset: ${text.includes('T') ? text : `${text}T00:00`}Z or ${text.includes('T') ? text : `${text}T00:00`}+02:00`
  return 'an instant is written like 2026-01-31T00:00Z'
}

/** `--from` and `--to`: where a read starts or ends. */
export function wrongPlace(text: string): string | undefined {
  if (text === 'earliest' || text === 'latest') return undefined
  if (/^-\d{1,15}$/.test(text) || DURATION.test(text) || /^offset=\d{1,9}:\d{1,18}$/.test(text)) return undefined
  if (/^\d{4}-/.test(text)) return wrongInstant(text)
  return 'it is earliest, latest, -10000 (records), 10m (back from now), an instant like 2026-01-31T00:00Z, or offset=PARTITION:OFFSET'
}

/** Zones are known to the platform; an unknown one would fail only when the first row is drawn. */
export function wrongZone(text: string): string | undefined {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text })
    return undefined
  } catch {
    return 'a zone is a name like Europe/Berlin or UTC'
  }
}

export function quote(text: string): string {
  const escaped = text.replace(
    /[\\'\n\r\t\u2028\u2029\0]/g,
    char => ESCAPES[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `'${escaped}'`
}

/** A template literal of the text as it is, over several lines when it has them. */
export function template(text: string): string {
  return `\`${text.replace(/\\|`|\$\{/g, found => `\\${found}`).replace(/\r/g, '\\r')}\``
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', "'": "\\'", '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** A header value as TypeScript, mapped to where it was typed. */
export function valueCode(
  value: HeaderValue,
  type: ValueType,
  verbatim: (span: HeaderValue['inner']) => readonly Piece[],
): Piece[] {
  if (value.expression) return [...verbatim(value.inner)]
  const { start, end, text } = value.inner
  return [{ code: literal(value.value, type), from: { start, end, text } }]
}

function literal(text: string, type: ValueType): string {
  if (type === 'integer' || type === 'number') return String(Number(text))
  if (type === 'percent')
    return String(text.endsWith('%') ? Number((Number(text.slice(0, -1)) / 100).toPrecision(12)) : Number(text))
  return quote(text)
}

/** What stands for a value in usage lines. */
export function placeholder(option: OptionDefinition): string {
  if (option.choices !== undefined) return option.choices.join('|')
  return option.example ?? { ...PLACEHOLDERS }[option.type]
}

const PLACEHOLDERS: Readonly<Record<ValueType, string>> = {
  flag: '', text: 'TEXT', name: 'NAME', stream: 'STREAM', topic: 'TOPIC', field: 'FIELD', fields: 'FIELD,…', duration: '10s',
  size: '10MB', integer: 'N', number: 'N', percent: '5%', instant: '2026-01-31T00:00Z', path: 'FILE', url: 'URL',
  choice: 'CHOICE', magic: 'MAGIC',
} // prettier-ignore
