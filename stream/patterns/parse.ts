/**
 * Pattern text to items.
 *
 *   pattern = sequence { "|" sequence }          sequence = item { arrow item }
 *   item    = [ "!" ] atom [ count ] [ notes ]   atom     = name | "(" pattern ")"
 *   count   = "?" | ( "*" | "+" | "{n}" | "{n,}" | "{n,m}" ) [ "?" ]
 *   notes   = "[" note { note } "]"              note     = "consecutive" | "combinations" | "until" name | "within" duration
 *   arrow   = "," | "->" | "->>"
 *
 * Syntax only; what a correct sentence may not say stands in check.ts.
 */
import { parseDuration } from '../time/duration.ts'
import { mayTakeNothing } from './pattern.ts'
import type { Atom, Item, Joint, Pattern } from './pattern.ts'
import { patternError } from './pattern-error.ts'
import type { PatternMistake } from './pattern-error.ts'

interface Count {
  readonly min: number
  readonly max: number
  readonly optional: boolean
  readonly lazy: boolean
  readonly text: string
}

interface Notes {
  readonly inner?: Joint
  readonly until?: string
  readonly withinMs?: number
}

const ONCE: Count = { min: 1, max: 1, optional: false, lazy: false, text: '' }
const NO_NOTES: Notes = {}
const JOINTS: Readonly<Record<string, Joint>> = { ',': 'next', '->': 'then', '->>': 'any' }
const TOKEN = /->>|->|[A-Za-z_][A-Za-z0-9_]*|\d+[A-Za-z]*|[,()|!?*+{}[\]]/y

interface Token {
  readonly text: string
  readonly at: number
}

/**
 * @throws StreamError PATTERN_INVALID with `rule` and a caret
 */
export function parsePattern(text: string): Pattern {
  return new Parser(text).pattern()
}

class Parser {
  private readonly text: string
  private readonly tokens: Token[]
  private place = 0
  private readonly names: Token[] = []
  private readonly steps: string[] = []

  constructor(text: string) {
    this.text = text
    this.tokens = this.split()
  }

  pattern(): Pattern {
    if (this.tokens.length === 0) {
      this.fail({ rule: 'syntax', message: 'it is empty', hint: 'Write steps and arrows: login -> purchase', at: 0 })
    }
    const branches = this.branches()
    const left = this.tokens[this.place]
    if (left !== undefined) {
      this.fail({
        rule: 'syntax',
        message: `"${left.text}" is not expected here`,
        hint:
          left.text === ')' ? 'Take the ")" away, or open it with "("' : 'Join steps with "," or "->" or "->>": a -> b',
        at: left.at,
        end: left.at + left.text.length,
      })
    }
    for (const [i, name] of this.names.entries()) {
      if (this.names.findIndex(other => other.text === name.text) === i) continue
      this.fail({
        rule: 'duplicate-step',
        message: `step "${name.text}" stands there twice`,
        hint: `Give the second one a name of its own, for example ${name.text}2`,
        at: name.at,
        end: name.at + name.text.length,
      })
    }
    return {
      text: this.text,
      branches,
      names: this.names.map(name => name.text),
      steps: this.steps,
      canBeEmpty: branches.some(branch => branch.every(mayTakeNothing)),
    }
  }

  private split(): Token[] {
    const tokens: Token[] = []
    let at = 0
    while (at < this.text.length) {
      if (/\s/.test(this.text[at] as string)) {
        at++
        continue
      }
      TOKEN.lastIndex = at
      const found = TOKEN.exec(this.text)
      if (found === null) {
        const shown = this.text[at] as string
        this.fail({
          rule: 'syntax',
          message: `"${shown}" is not part of the pattern language`,
          hint: 'Joints are "," and "->" and "->>", counts ? * + {n} {n,} {n,m}, notes [consecutive], [within 5s]',
          at,
        })
      }
      tokens.push({ text: found[0], at })
      at += found[0].length
    }
    return tokens
  }

  private branches(): Item[][] {
    const branches = [this.sequence()]
    while (this.take('|')) branches.push(this.sequence())
    return branches
  }

  private sequence(): Item[] {
    const items = [this.item('next')]
    for (let next = this.peek(); next !== undefined; next = this.peek()) {
      const joint = JOINTS[next]
      if (joint === undefined) break
      this.place++
      items.push(this.item(joint))
    }
    return items
  }

  private item(joint: Joint): Item {
    const start = this.here()
    const negated = this.take('!')
    const atom = this.atom(negated)
    const countAt = this.here()
    const count = this.count()
    if (negated && count !== ONCE) {
      this.fail({
        rule: 'quantifier-on-not',
        message: `what must not come cannot have the count "${count.text}"`,
        hint: `Leave "${count.text}" out: one event that fits is already too many`,
        at: countAt,
        end: this.lastEnd(),
      })
    }
    const notesAt = this.here()
    const notes = this.notes()
    const end = this.lastEnd()
    const loop = count.max > 1 || /[{*+]/.test(count.text)
    if (notes.inner !== undefined && !loop) {
      this.fail({
        rule: 'joint-without-loop',
        message: `[${notes.inner === 'next' ? 'consecutive' : 'combinations'}] stands on a step that comes once`,
        hint: 'It says how the rounds of a loop follow each other: write a+[consecutive], or leave it out',
        at: notesAt,
        end,
      })
    }
    if (notes.until !== undefined && count.max !== Infinity) {
      this.fail({
        rule: 'until-without-open-loop',
        message: `[until ${notes.until}] stands on what ends by itself`,
        hint: 'until is for loops without an end: a+[until x], a*[until x], a{2,}[until x]',
        at: notesAt,
        end,
      })
    }
    const inner = notes.inner ?? 'then'
    const ranged = loop && count.min !== count.max
    const item: Item = {
      atom,
      joint,
      negated,
      min: count.min,
      max: count.max,
      optional: count.optional,
      greedy: ranged && !count.lazy && atom.kind === 'step' && inner !== 'any',
      inner,
      until: notes.until,
      withinMs: notes.withinMs,
      at: start,
      end,
    }
    return folded(item, count.text === '?' && notes === NO_NOTES)
  }

  private atom(negated: boolean): Atom {
    const token = this.tokens[this.place]
    if (token?.text === '(') {
      this.place++
      if (negated) {
        this.fail({
          rule: 'not-on-group',
          message: '"!" stands before a group',
          hint: 'Name the steps one by one: !x, or write one definition that fits all of them',
          at: token.at,
        })
      }
      const branches = this.branches()
      this.expect(')', 'the group is not closed')
      return { kind: 'group', branches }
    }
    const name = this.name('a step')
    if (this.peek() === '(') {
      const permute = name.text.toUpperCase() === 'PERMUTE'
      this.fail({
        rule: permute ? 'permute' : 'syntax',
        message: permute ? 'PERMUTE(…) is not part of the pattern language' : `"${name.text}" is followed by "("`,
        hint: permute
          ? 'Write the orders you want as alternatives: (a -> b | b2 -> a2), each with steps of its own'
          : `Join the group with "," or "->" or "->>": ${name.text} -> (…)`,
        at: name.at,
        end: name.at + name.text.length,
      })
    }
    if (!negated) this.steps.push(name.text)
    return { kind: 'step', name: name.text }
  }

  private count(): Count {
    const first = this.peek()
    if (first === '?') {
      this.place++
      return { ...ONCE, optional: true, text: '?' }
    }
    const at = this.here()
    let min: number
    let max: number
    if (first === '*' || first === '+') {
      this.place++
      min = first === '*' ? 0 : 1
      max = Infinity
    } else if (first === '{') {
      this.place++
      min = this.number()
      max = min
      if (this.take(',')) max = this.peek() === '}' ? Infinity : this.number()
      this.expect('}', 'the count is not closed')
    } else return ONCE
    const lazy = this.take('?')
    const text = this.text.slice(at, this.lastEnd())
    if (max < 1 || max < min) {
      this.fail({
        rule: 'bad-count',
        message: max < 1 ? `"${text}" takes nothing` : `"${text}" ends before it begins`,
        hint: 'Write {n}, {n,} or {n,m} with n up to m, and m at least 1; ! says that something must not come',
        at,
        end: this.lastEnd(),
      })
    }
    if (max !== Infinity && max > 1000) {
      this.fail({
        rule: 'bad-count',
        message: `"${text}" is more than 1000 rounds`,
        hint: 'Count with a window, or end the loop with [until x]',
        at,
        end: this.lastEnd(),
      })
    }
    return { min: Math.max(1, min), max, optional: min === 0, lazy, text }
  }

  private notes(): Notes {
    if (!this.take('[')) return NO_NOTES
    const notes: { inner?: Joint; until?: string; withinMs?: number } = {}
    do {
      const at = this.here()
      const word = this.peek() ?? ''
      const field = word === 'until' ? 'until' : word === 'within' ? 'withinMs' : 'inner'
      if (word === 'consecutive' || word === 'combinations') {
        this.place++
        if (notes.inner !== undefined) {
          this.fail({
            rule: 'joint-twice',
            message: 'the loop is told twice how its rounds follow each other',
            hint: 'Take one: [consecutive] or [combinations]',
            at,
            end: this.lastEnd(),
          })
        }
        notes.inner = word === 'consecutive' ? 'next' : 'any'
        continue
      }
      if (field !== 'inner' && notes[field] !== undefined) {
        this.fail({
          rule: 'note-twice',
          message: `"${word}" stands twice in one note`,
          hint: 'Leave one out',
          at,
          end: at + word.length,
        })
      }
      if (word === 'until') {
        this.place++
        notes.until = this.name('the condition after until').text
      } else if (word === 'within') {
        this.place++
        notes.withinMs = this.duration()
      } else {
        this.fail({
          rule: 'syntax',
          message: word === '' ? 'the note is not closed' : `"${word}" is not a note`,
          hint: 'Notes are [consecutive], [combinations], [until x] and [within 5s]',
          at,
          end: at + Math.max(1, word.length),
        })
      }
    } while (!this.take(']'))
    return notes
  }

  private duration(): number {
    const at = this.here()
    const text = this.peek() ?? ''
    if (!/^\d+(ms|s|m|h|d)$/.test(text) || Number.parseInt(text) === 0) {
      this.fail({
        rule: 'syntax',
        message: `"${text}" is not a duration`,
        hint: 'Write for example within 500ms, within 5s, within 10m',
        at,
        end: at + Math.max(1, text.length),
      })
    }
    this.place++
    return parseDuration(text)
  }

  private number(): number {
    const at = this.here()
    const text = this.peek() ?? ''
    if (!/^\d+$/.test(text)) {
      this.fail({
        rule: 'syntax',
        message: `"${text}" is not a number of rounds`,
        hint: 'Write {3}, {3,} or {2,5}',
        at,
        end: at + Math.max(1, text.length),
      })
    }
    this.place++
    return Number(text)
  }

  private name(what: string): Token {
    const token = this.tokens[this.place]
    if (token === undefined || !/^[A-Za-z][A-Za-z0-9_]*$/.test(token.text)) {
      this.fail({
        rule: 'syntax',
        message: token === undefined ? `${what} is missing at the end` : `${what} is missing before "${token.text}"`,
        hint: 'A step is a name of letters, digits and _, starting with a letter: a -> b',
        at: token?.at ?? this.text.length,
        end: token === undefined ? undefined : token.at + token.text.length,
      })
    }
    this.place++
    this.names.push(token)
    return token
  }

  private peek(): string | undefined {
    return this.tokens[this.place]?.text
  }

  private take(text: string): boolean {
    if (this.peek() !== text) return false
    this.place++
    return true
  }

  private expect(text: string, message: string): void {
    if (this.take(text)) return
    this.fail({ rule: 'syntax', message, hint: `Write "${text}" here`, at: this.here() })
  }

  private here(): number {
    return this.tokens[this.place]?.at ?? this.text.length
  }

  private lastEnd(): number {
    const last = this.tokens[this.place - 1]
    return last === undefined ? 0 : last.at + last.text.length
  }

  private fail(mistake: PatternMistake): never {
    throw patternError(this.text, mistake)
  }
}

/** `(a{2,3})?` is the loop as a whole or not at all, and `(a)` is a: one item in brackets needs no group. */
function folded(item: Item, onlyOptional: boolean): Item {
  const { atom } = item
  if (atom.kind !== 'group' || atom.branches.length > 1) return item
  const [only, more] = atom.branches[0] as readonly Item[]
  if (only === undefined || more !== undefined || only.negated) return item
  const bare = item.max === 1 && !item.optional && item.withinMs === undefined && item.until === undefined
  if (!bare && !onlyOptional) return item
  return { ...only, optional: only.optional || item.optional, joint: item.joint, at: item.at, end: item.end }
}
