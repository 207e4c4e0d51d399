/** Where a magic stands, and where a percent sign is TypeScript. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchBracket } from './scan.ts'
import { mayHoldMagic, splitCell } from './split.ts'

/** `line %topics`, `cell %%filter|body`, `help x?`, `ts text` in order. */
function partsOf(text: string, plain: readonly string[] = []): string[] {
  const lookup = (name: string) => (plain.includes(name) ? ({ plainBody: true } as never) : undefined)
  return splitCell(text, lookup).map(part => {
    if (part.kind === 'typescript') return `ts ${part.span.text}`
    if (part.kind === 'help') return `help ${part.span.text}`
    if (part.kind === 'line') return `line ${part.header.text}`
    return `cell ${part.header.text}|${part.body?.text}`
  })
}

const cases: readonly (readonly [what: string, text: string, parts: readonly string[]])[] = [
  ['a line magic alone', '%topics', ['line %topics']],
  ['blanks before a line magic', '  %topics', ['line %topics']],
  ['a magic below a whole statement', 'const a = 1\n%topics', ['ts const a = 1\n', 'line %topics']],
  ['TypeScript below a line magic', '%topics\nconst a = 1', ['line %topics', 'ts const a = 1']],
  ['two line magics', '%topic orders\n%topic payments', ['line %topic orders', 'line %topic payments']],
  ['a percent sign inside an open bracket', 'const a = (10\n%b)', ['ts const a = (10\n%b)']],
  ['a percent sign behind an operator', 'const a = 10 +\n%b', ['ts const a = 10 +\n%b']],
  ['a magic inside a template', 'const t = `\n%topics\n`', ['ts const t = `\n%topics\n`']],
  ['a section inside a template', 'const t = `\n%%filter orders\n`', ['ts const t = `\n%%filter orders\n`']],
  ['a magic below a template', 'const t = `\n%a\n%b\n`\n%topics', ['ts const t = `\n%a\n%b\n`\n', 'line %topics']],
  ['a magic below two templates', 'f(`\n%a\n`, `\n%b\n`)\n%topics', ['ts f(`\n%a\n`, `\n%b\n`)\n', 'line %topics']],
  ['a magic inside a comment', '/*\n%topics\n*/', ['ts /*\n%topics\n*/']],
  ['a magic below a comment', '// list\n%topics', ['ts // list\n', 'line %topics']],
  ['a modulo with a blank', 'a\n% b', ['ts a\n% b']],
  ['a magic inside a block', 'if (a) {\n%topics\n}', ['ts if (a) {\n%topics\n}']],
  ['a section with its body', '%%filter orders\no => o.ok', ['cell %%filter orders|o => o.ok']],
  [
    'two sections',
    '%%filter orders\no => o.ok\n%%window --tumbling 10s\n',
    ['cell %%filter orders|o => o.ok\n', 'cell %%window --tumbling 10s|'],
  ],
  [
    'a section whose body does not parse ends at the next section',
    '%%filter orders\no => (o.ok\n%%chart',
    ['cell %%filter orders|o => (o.ok\n', 'cell %%chart|'],
  ],
  [
    'a section name inside a template of a body',
    '%%map orders\no => `\n%%chart\n`',
    ['cell %%map orders|o => `\n%%chart\n`'],
  ],
  [
    'a section name inside a comment of a body',
    '%%map orders\n/*\n%%chart\n*/ o => o',
    ['cell %%map orders|/*\n%%chart\n*/ o => o'],
  ],
  [
    'a line magic below a whole body',
    '%%filter orders\no => o.ok\n%streams',
    ['cell %%filter orders|o => o.ok\n', 'line %streams'],
  ],
  ['a percent line inside an open body', '%%map orders\no => (o.a\n%o.b)', ['cell %%map orders|o => (o.a\n%o.b)']],
  [
    'TypeScript above the first section',
    'const least = 5\n%%filter orders\no => o.amount > least',
    ['ts const least = 5\n', 'cell %%filter orders|o => o.amount > least'],
  ],
  [
    'a line magic below JSON lines',
    '%%produce t\n{"a":1}\n{"a":2}\n%topic t',
    ['cell %%produce t|{"a":1}\n{"a":2}\n', 'line %topic t'],
  ],
  ['a plain body takes the rest', '%%raw x\na\n%%filter orders\nb', ['cell %%raw x|a\n%%filter orders\nb']],
  ['help of a magic', '%topic?', ['help %topic?']],
  ['help of a cell magic', '%%window?', ['help %%window?']],
  ['help of a name', 'orders?', ['help orders?']],
  ['more help', 'orders.filter??', ['help orders.filter??']],
  ['a conditional over three lines', 'big?\n1\n: 2', ['ts big?\n1\n: 2']],
  ['help above TypeScript', 'orders?\nconst a = 1', ['help orders?', 'ts const a = 1']],
  ['carriage returns', 'const a = 1\r\n%topics\r\n', ['ts const a = 1\r\n', 'line %topics']],
  ['a magic without a name', '%%', ['cell %%|']],
  ['nothing', '', []],
]

for (const [what, text, parts] of cases) {
  test(`a cell is split where statements may start: ${what}`, () => {
    assert.deepEqual(partsOf(text, ['raw']), parts)
  })
}

test('parts cover the cell: each span is a slice of the text', () => {
  const text = 'const a = 1\r\n%topic orders --from earliest\n%%filter orders\no => o.ok\n'
  for (const part of splitCell(text, () => undefined)) {
    const spans =
      part.kind === 'typescript' || part.kind === 'help' ? [part.span] : [part.header, part.nameSpan, part.rest]
    for (const span of spans) assert.equal(text.slice(span.start, span.end), span.text)
  }
})

test('most cells are seen to hold no magic without a parser', () => {
  assert.equal(mayHoldMagic('const a = 10 % 3\nconst b = a ? 1 : 2\n`%d`'), false)
  assert.equal(mayHoldMagic('const a = 1\n  %topics'), true)
  assert.equal(mayHoldMagic('orders?'), true)
})

const brackets: readonly (readonly [text: string, closes: number])[] = [
  ['{a}', 2],
  ['{ {a: {}} } b', 10],
  ["{'}'}", 4],
  ['{"}" + \'}\'}', 10],
  ['{`}${"}"}`}', 10],
  ['{`${`${{a: 1}.a}`}`} x', 19],
  ['{/}/.test(x)}', 12],
  ['{a / b / c}', 10],
  ['{/* } */ 1}', 10],
  ['{[/[}/]/]}', 9],
  ['{return /}/}', 11],
  ['{a', -1],
  ['{(a}', -1],
  ['{`a}', -1],
  ['(a => ({ b: a }))', 16],
]

for (const [text, closes] of brackets) {
  test(`the closing bracket of ${text} stands at ${closes}`, () => assert.equal(matchBracket(text, 0), closes))
}
