/**
 * Lambdas that are arithmetic on fields of their row, as text that reads columns instead: `o => o.amount > 10` becomes
 * `c0[i] > 10`. Only what is understood as a whole is taken: numbers, operators, `Math`, fields that are columns of numbers. Such
 * text cannot throw, call the user's code or read a variable, so it gives what the lambda gives, without a row and without a call.
 *
 *   o => EXPRESSION          one value
 *   o => ({ name: EXPRESSION, …, ...o })     a row
 */

export interface FieldExpression {
  /** Text with `c0[i]`, `c1[i]` … for the columns of `reads`. */
  readonly text: string
  /** Result is a number whatever the values are. */
  readonly numeric: boolean
  /** The column it is, when it is nothing but one. */
  readonly column: string | undefined
}

export interface ColumnLambda {
  /** Columns by number in the texts. */
  readonly reads: readonly string[]
  /** One value, or the fields of a row in order. */
  readonly value: FieldExpression | undefined
  readonly fields: readonly (readonly [name: string, expression: FieldExpression])[]
}

const PURE_MATH: ReadonlySet<string> = new Set(
  'abs acos asin atan atan2 cbrt ceil clz32 cos exp expm1 floor fround hypot imul log log10 log1p log2 max min pow round sign sin sqrt tan trunc E LN2 LN10 PI SQRT2'.split(' '),
) // prettier-ignore
const CONSTANTS: ReadonlySet<string> = new Set(['true', 'false', 'null', 'undefined', 'NaN', 'Infinity'])
const TOKEN =
  /\s+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w$.])|0[xXbBoO][\da-fA-F]+(?![\w$])|[A-Za-z_$][\w$]*|===|!==|==|!=|<=|>=|>>>|<<|>>|&&|\|\||\?\?|\*\*|[-+*/%<>!~&|^?:(),.{}]/y
/** Operators whose result is a number when their operands are. */
const ARITHMETIC: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%', '**', '~', '&', '|', '^', '<<', '>>', '>>>', '(', ')', ',']) // prettier-ignore

/**
 * Reads a lambda's text for rows with these columns of numbers; undefined when it does anything else. `whole`: the rows have no other
 * columns, so that `...o` is known.
 */
export function columnLambda(
  text: string | undefined,
  columns: ReadonlySet<string>,
  whole: boolean,
): ColumnLambda | undefined {
  const arrow = /^\s*\(?\s*([A-Za-z_$][\w$]*)\s*\)?\s*=>\s*/.exec(text ?? '')
  if (text === undefined || arrow === null) return undefined
  const reader = new Reader(arrow[1] as string, columns, whole)
  const tokens = tokensOf(text.slice(arrow[0].length))
  if (tokens === undefined) return undefined
  const isRow = tokens[0] === '(' && tokens[1] === '{' && tokens.at(-2) === '}' && tokens.at(-1) === ')'
  if (!isRow) {
    const value = reader.expression(tokens)
    return value === undefined ? undefined : { reads: reader.reads, value, fields: [] }
  }
  const fields = reader.fields(tokens.slice(2, -2))
  return fields === undefined ? undefined : { reads: reader.reads, value: undefined, fields }
}

function tokensOf(text: string): string[] | undefined {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < text.length) {
    if (text.startsWith('...', TOKEN.lastIndex)) {
      tokens.push('...')
      TOKEN.lastIndex += 3
      continue
    }
    // Comments, texts, assignments, indexes: whatever has no token here is not understood.
    if (/^(?:\/[/*]|\+\+|--)/.test(text.slice(TOKEN.lastIndex, TOKEN.lastIndex + 2))) return undefined
    const token = TOKEN.exec(text)?.[0]
    if (token === undefined) return undefined
    if (token.trim() !== '') tokens.push(token)
  }
  return tokens
}

class Reader {
  readonly reads: string[] = []
  private readonly parameter: string
  private readonly columns: ReadonlySet<string>
  private readonly whole: boolean

  constructor(parameter: string, columns: ReadonlySet<string>, whole: boolean) {
    this.parameter = parameter
    this.columns = columns
    this.whole = whole
  }

  expression(tokens: readonly string[]): FieldExpression | undefined {
    const out: string[] = []
    let numeric = true
    let column: string | undefined
    for (let t = 0; t < tokens.length; t++) {
      const token = tokens[t] as string
      const [dot, name] = [tokens[t + 1], tokens[t + 2]]
      if (token === this.parameter || token === 'Math') {
        if (dot !== '.' || name === undefined) return undefined
        const isField = token === this.parameter
        if (isField ? !this.columns.has(name) : !PURE_MATH.has(name)) return undefined
        // A method or a field of a number.
        if (tokens[t + 3] === '.' || (isField && tokens[t + 3] === '(')) return undefined
        // A function that is not called is no number.
        if (!isField && tokens[t + 3] !== '(' && name.toUpperCase() !== name) return undefined
        if (isField) column = name
        out.push(isField ? `c${this.numberOf(name)}[i]` : `Math.${name}`)
        t += 2
      } else if (/^[A-Za-z_$]/.test(token)) {
        if (!CONSTANTS.has(token)) return undefined
        if (token !== 'NaN' && token !== 'Infinity') numeric = false
        out.push(token)
      } else if (token === '{' || token === '}' || token === '...') return undefined
      else {
        if (token === '(' && /[\w\])]$/.test(tokens[t - 1] ?? '') && tokens[t - 2] !== '.') return undefined
        if (!/^[\d.]/.test(token) && !ARITHMETIC.has(token)) numeric = false
        if (token === '.') return undefined
        out.push(token)
      }
    }
    if (out.length === 0) return undefined
    return { text: out.join(' '), numeric, column: out.length === 1 ? column : undefined }
  }

  fields(tokens: readonly string[]): (readonly [string, FieldExpression])[] | undefined {
    const fields = new Map<string, FieldExpression>()
    for (const part of partsOf(tokens)) {
      if (part[0] === '...') {
        if (part.length !== 2 || part[1] !== this.parameter || !this.whole) return undefined
        for (const name of this.columns) {
          const text = `c${this.numberOf(name)}[i]`
          fields.set(name, { text, numeric: true, column: name })
        }
        continue
      }
      const [name, colon, ...rest] = part
      if (name === undefined || colon !== ':' || !/^[A-Za-z_$]/.test(name) || name === '__proto__') return undefined
      const expression = this.expression(rest)
      if (expression === undefined) return undefined
      fields.set(name, expression)
    }
    return fields.size === 0 ? undefined : [...fields]
  }

  private numberOf(name: string): number {
    const known = this.reads.indexOf(name)
    return known >= 0 ? known : this.reads.push(name) - 1
  }
}

/** Cuts at the commas outside of parentheses; one at the end is allowed. */
function partsOf(tokens: readonly string[]): string[][] {
  const parts: string[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    if (token === '(') depth++
    else if (token === ')') depth--
    if (token === ',' && depth === 0) parts.push([])
    else (parts.at(-1) as string[]).push(token)
  }
  if (parts.at(-1)?.length === 0) parts.pop()
  return parts
}
