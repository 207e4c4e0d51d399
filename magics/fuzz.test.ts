/** Whatever is typed: TypeScript or a UsageError, never another error, and verbatim pieces are copies of what was typed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { completeMagic, expandCell, hoverMagic, isMagicCellComplete, MAGICS, UsageError } from './index.ts'
import { title } from './header.ts'
import { contextOf } from './testing.ts'

const seed = Number(process.env['FUZZ_SEED'] ?? 20260101)
const times = process.env['LONG'] === '1' ? 50 : 1
const context = contextOf()

// prettier-ignore
const scraps = [
  '--', '-', '=', '{', '}', '(', ')', '"', "'", '\\', '`', '${', '/', '//', '/*', '*/', ';', ',', '%', '%%', '?', '\t', '🌊',
  'orders', 'payments', '10s', '5%', '-10000', 'earliest', 'o => o.ok', '{limit}', 'a,b', 'sum', '__proto__', 'constructor',
  '\n', '\r\n', ' ', '\u2028', '\0',
]
const scrap = fc.oneof(fc.constantFrom(...scraps), fc.string({ maxLength: 5 }))
const option = fc.constantFrom(...new Set(MAGICS.flatMap(magic => magic.options.map(one => `--${one.name}`))))
const word = fc.oneof({ weight: 3, arbitrary: scrap }, { weight: 1, arbitrary: option })
const header = fc
  .tuple(
    fc.constantFrom('%', '%%', ...MAGICS.map(title)),
    fc.array(fc.tuple(word, fc.constantFrom('', ' ', '=')), { maxLength: 8 }),
  )
  .map(([name, words]) => `${name} ${words.map(parts => parts.join('')).join('')}`)
const body = fc.array(fc.oneof(scrap, header), { maxLength: 6 }).map(lines => lines.join('\n'))
const cell = fc
  .tuple(fc.constantFrom('', 'const a = 1\n', '%desugar\n'), header, body)
  .map(([above, head, below]) => `${above}${head}\n${below}`)

function check(text: string): void {
  try {
    const { source, spans } = expandCell(text, context)
    for (const span of spans ?? []) {
      assert.ok(span.at >= 0 && span.at + span.length <= source.length)
      assert.ok(span.typedAt >= 0 && span.typedAt + span.typedLength <= text.length)
      if (!span.verbatim) continue
      assert.equal(
        source.slice(span.at, span.at + span.length),
        text.slice(span.typedAt, span.typedAt + span.typedLength),
      )
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    assert.ok(error.start >= 0 && error.start <= text.length && error.end > error.start, `${error.start} ${error.end}`)
    assert.match(error.lines[2] ?? '', /^\s*\^+$/)
    assert.ok(!error.lines.slice(0, 3).some(line => line.includes('\n')))
  }
}

test('random cells give TypeScript with true positions or a UsageError', () => {
  fc.assert(fc.property(cell, check), { seed, numRuns: 3000 * times })
})

test('random text gives TypeScript with true positions or a UsageError', () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 60 }).map(text => `%topics\n${text}`),
      check,
    ),
    { seed, numRuns: 1000 * times },
  )
})

test('spans of a random cell neither overlap nor go back', () => {
  const lambdas = fc.constantFrom(
    'o => o.amount > 0',
    'o => ({ ...o, n: mean(o.list) })',
    "o => `a${'b'}c`",
    'o => /\\//.test(o.id) // yes',
  )
  const sections = fc.array(fc.tuple(fc.constantFrom('%%filter orders', '%%map payments', '%%map'), lambdas), {
    minLength: 1,
    maxLength: 5,
  })
  fc.assert(
    fc.property(sections, list => {
      const text = `const above = 1\n${list.map(([head, lambda], i) => `${i === 0 ? '%%filter orders' : head}\n${lambda}`).join('\n')}`
      const { source, spans } = expandCell(text, context)
      let at = 0
      for (const span of spans ?? []) {
        assert.ok(span.at >= at)
        at = span.at + span.length
      }
      // Every lambda stands in the source, but for the API's prefix and a comment behind it.
      for (const [, lambda] of list)
        assert.ok(source.includes(lambda.replace('mean', 'riffle.mean').replace(' // yes', '')))
    }),
    { seed, numRuns: 300 * times },
  )
})

test('completion, hover and completeness never throw, at no cursor', () => {
  fc.assert(
    fc.property(cell, fc.nat(80), (text, at) => {
      const cursor = Math.min(at, text.length)
      const found = completeMagic(text, cursor, context)
      if (found !== undefined) assert.ok(found.start <= found.end && found.end === cursor && found.start >= 0)
      hoverMagic(text, cursor)
      isMagicCellComplete(text)
    }),
    { seed, numRuns: 1500 * times },
  )
})
