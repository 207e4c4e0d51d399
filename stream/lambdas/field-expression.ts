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
  /** Whose column: 0 the first parameter's, 1 the second's. */
  readonly of: number
  /** The text for when the row that may be missing is; it throws where the lambda throws. */
  readonly missing: string
}

export interface ColumnLambda {
  /** Columns by number in the texts. */
  readonly reads: readonly string[]
  /** One value, or the fields of a row in order. */
  readonly value: FieldExpression | undefined
  readonly fields: readonly (readonly [name: string, expression: FieldExpression])[]
}

/** A lambda of two rows, as a join has: `(l, r) => ({ name: EXPRESSION, … })`. In the texts `l0`, `l1` … and `r0` … are the fields. */
export interface PairLambda {
  readonly reads: readonly [left: readonly string[], right: readonly string[]]
  readonly fields: readonly (readonly [name: string, expression: FieldExpression])[]
}

/** What a parameter of a lambda stands for. */
interface Parameter {
  readonly name: string
  /** Its fields that are numbers. */
  readonly columns: ReadonlySet<string>
  /** It has no other fields, so that `...o` is known. */
  readonly whole: boolean
  /** The text may ask whether it is there (`r?.val`, `r === null`); it is read as if it were. */
  readonly asked: boolean
  readonly textOf: (n: number) => string
  readonly reads: string[]
}

const PURE_MATH: ReadonlySet<string> = new Set(
  'abs acos asin atan atan2 cbrt ceil clz32 cos exp expm1 floor fround hypot imul log log10 log1p log2 max min pow round sign sin sqrt tan trunc E LN2 LN10 PI SQRT2'.split(' '),
) // prettier-ignore
const CONSTANTS: ReadonlySet<string> = new Set(['true', 'false', 'null', 'undefined', 'NaN', 'Infinity'])
const TOKEN =
  /\s+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w$.])|0[xXbBoO][\da-fA-F]+(?![\w$])|[A-Za-z_$][\w$]*|===|!==|==|!=|<=|>=|>>>|<<|>>|&&|\|\||\?\?|\*\*|[-+*/%<>!~&|^?:(),.{}]/y
/** Operators whose result is a number when their operands are. */
const ARITHMETIC: ReadonlySet<string> = new Set(['??', '+', '-', '*', '/', '%', '**', '~', '&', '|', '^', '<<', '>>', '>>>', '(', ')', ',']) // prettier-ignore

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
  const reads: string[] = []
  const parameter = { name: arrow[1] as string, columns, whole, asked: false, textOf: columnText, reads }
  const reader = new Reader([parameter])
  const tokens = tokensOf(text.slice(arrow[0].length))
  if (tokens === undefined) return undefined
  if (!isRow(tokens)) {
    const value = reader.expression(tokens)
    return value === undefined ? undefined : { reads, value, fields: [] }
  }
  const fields = reader.fields(tokens.slice(2, -2))
  return fields === undefined ? undefined : { reads, value: undefined, fields }
}

/**
 * Reads the lambda of a join whose sides have these columns of numbers; undefined when it does anything but make a row of them.
 * `padded`: the right row may be missing; the texts hold for when it is there.
 */
export function pairLambda(
  text: string | undefined,
  columns: readonly [ReadonlySet<string>, ReadonlySet<string>],
  padded: boolean,
): PairLambda | undefined {
  const arrow = /^\s*\(\s*([A-Za-z_$][\w$]*)\s*,\s*([A-Za-z_$][\w$]*)\s*,?\s*\)\s*=>\s*/.exec(text ?? '')
  if (text === undefined || arrow === null) return undefined
  const [left, right] = columns.map((names, n): Parameter => {
    const letter = n === 0 ? 'l' : 'r'
    const asked = padded && n === 1
    return {
      name: arrow[n + 1] as string,
      columns: names,
      whole: false,
      asked,
      textOf: i => `${letter}${i}`,
      reads: [],
    }
  }) as [Parameter, Parameter]
  const tokens = tokensOf(text.slice(arrow[0].length))
  if (tokens === undefined || !isRow(tokens)) return undefined
  const fields = new Reader([left, right]).fields(tokens.slice(2, -2))
  return fields === undefined ? undefined : { reads: [left.reads, right.reads], fields }
}

const columnText = (n: number) => `c${n}[i]`

function isRow(tokens: readonly string[]): boolean {
  return tokens[0] === '(' && tokens[1] === '{' && tokens.at(-2) === '}' && tokens.at(-1) === ')'
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
  private readonly parameters: readonly Parameter[]

  constructor(parameters: readonly Parameter[]) {
    this.parameters = parameters
  }

  expression(tokens: readonly string[]): FieldExpression | undefined {
    const out: string[] = []
    // The same where the row that may be missing is.
    const missing: string[] = []
    const push = (text: string, without = text) => {
      out.push(text)
      missing.push(without)
    }
    let numeric = true
    let column: string | undefined
    let of = 0
    for (let t = 0; t < tokens.length; t++) {
      const token = tokens[t] as string
      const parameter = this.parameters.findIndex(({ name }) => name === token)
      const known = this.parameters[parameter]
      const safely = known?.asked === true && tokens[t + 1] === '?' && tokens[t + 2] === '.'
      if (known?.asked === true && (tokens[t + 1] !== '.' || tokens[t - 1] === '!')) {
        if (safely) t++
        else {
          const asks = isAsked(tokens, t)
          if (asks === undefined) return undefined
          numeric = false
          push(asks, 'null')
          continue
        }
      }
      if (known !== undefined || token === 'Math') {
        const [dot, name] = [tokens[t + 1], tokens[t + 2]]
        if (dot !== '.' || name === undefined) return undefined
        if (known === undefined ? !PURE_MATH.has(name) : !known.columns.has(name)) return undefined
        // A method or a field of a number.
        if (tokens[t + 3] === '.' || (known !== undefined && tokens[t + 3] === '(')) return undefined
        // A function that is not called is no number.
        if (known === undefined && tokens[t + 3] !== '(' && name.toUpperCase() !== name) return undefined
        if (known !== undefined) {
          column = name
          of = parameter
        }
        const text = known === undefined ? `Math.${name}` : known.textOf(numberOf(known, name))
        push(text, known?.asked !== true ? text : safely ? 'undefined' : `null.${name}`)
        t += 2
      } else if (/^[A-Za-z_$]/.test(token)) {
        if (!CONSTANTS.has(token)) return undefined
        if (token !== 'NaN' && token !== 'Infinity') numeric = false
        push(token)
      } else if (token === '{' || token === '}' || token === '...') return undefined
      else {
        if (token === '(' && /[\w\])]$/.test(tokens[t - 1] ?? '') && tokens[t - 2] !== '.') return undefined
        if (!/^[\d.]/.test(token) && !ARITHMETIC.has(token)) numeric = false
        if (token === '.') return undefined
        push(token)
      }
    }
    if (out.length === 0) return undefined
    return {
      text: out.join(' '),
      numeric,
      column: out.length === 1 ? column : undefined,
      of,
      missing: missing.join(' '),
    }
  }

  fields(tokens: readonly string[]): (readonly [string, FieldExpression])[] | undefined {
    const fields = new Map<string, FieldExpression>()
    for (const part of partsOf(tokens)) {
      if (part[0] === '...') {
        const of = this.parameters.findIndex(({ name }) => name === part[1])
        const parameter = this.parameters[of]
        if (part.length !== 2 || parameter?.whole !== true || parameter.asked) return undefined
        for (const name of parameter.columns) {
          const text = parameter.textOf(numberOf(parameter, name))
          fields.set(name, { text, numeric: true, column: name, of, missing: text })
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
}

function numberOf({ reads }: Parameter, name: string): number {
  const known = reads.indexOf(name)
  return known >= 0 ? known : reads.push(name) - 1
}

/** What stands for a row that is there where the text asks whether it is: `r === null`, `r ? … : …`, `!r`. */
function isAsked(tokens: readonly string[], at: number): string | undefined {
  const next = tokens[at + 1]
  const compared = next === '===' || next === '!==' || next === '==' || next === '!='
  if (compared) return tokens[at + 2] === 'null' || tokens[at + 2] === 'undefined' ? '0' : undefined
  return next === '?' && (tokens[at - 1] === undefined || tokens[at - 1] === '(') ? 'true' : undefined
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
