/** The header: words, quotes, expressions, and an error with carets for everything else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MagicDefinition } from './define.ts'
import { nearest, parseHeader, usageOf } from './header.ts'
import { UsageError } from './usage-error.ts'

const probe: MagicDefinition = {
  name: 'probe',
  kind: 'line',
  summary: 'Only here.',
  positionals: [
    { name: 'STREAM', type: 'stream', required: false, summary: '' },
    { name: 'MORE', type: 'text', required: false, repeated: true, summary: '' },
  ],
  options: [
    { name: 'size', type: 'duration', summary: '' },
    { name: 'count', type: 'integer', summary: '' },
    { name: 'ratio', type: 'number', summary: '' },
    { name: 'share', type: 'percent', summary: '' },
    { name: 'buffer', type: 'size', summary: '' },
    { name: 'at', type: 'instant', summary: '' },
    { name: 'mark', type: 'choice', choices: ['line', 'bar'], summary: '' },
    { name: 'by', type: 'fields', summary: '' },
    { name: 'title', type: 'text', summary: '' },
    { name: 'as', type: 'name', summary: '' },
    { name: 'all', type: 'flag', summary: '' },
    { name: 'tag', type: 'text', repeated: true, summary: '' },
  ],
  examples: [{ text: '%probe', says: '' }],
  glossary: '',
  expand: () => ({ pieces: [] }),
}

function parse(header: string): ReturnType<typeof parseHeader> {
  const cell = `%probe${header}`
  return parseHeader(cell, probe, { start: 6, end: cell.length, text: header }, { start: 0, end: 6, text: '%probe' })
}

/** `value[start,end]`, in braces when it is an expression. */
function read(header: string): string {
  const { positionals, options, quiet } = parse(header)
  const show = (value: (typeof positionals)[number]): string =>
    `${value.expression ? `{${value.value}}` : value.value}[${value.start},${value.end}]`
  const named = [...options].flatMap(([name, values]) => values.map(value => `${name}=${show(value)}`))
  return [...positionals.map(show), ...named, ...(quiet ? [';'] : [])].join(' ')
}

const values: readonly (readonly [header: string, result: string])[] = [
  ['', ''],
  [' orders', 'orders[7,13]'],
  ['\torders  --all ', 'orders[7,13] all=true[15,20]'],
  [' --size 10s', 'size=10s[14,17]'],
  [' --size=10s', 'size=10s[14,17]'],
  [' --size 10s orders', 'orders[18,24] size=10s[14,17]'],
  [" --title 'two words'", 'title=two words[15,26]'],
  [' --title "two words"', 'title=two words[15,26]'],
  [' --title="two words"', 'title=two words[15,26]'],
  [' --title "a \\" b"', 'title=a " b[15,23]'],
  [" --title 'a \\ b'", 'title=a \\ b[15,22]'],
  [' --title two\\ words', 'title=two words[15,25]'],
  [` --title a"b c"'d e'f`, 'title=ab cd ef[15,27]'],
  [' --title "# % {x}"', 'title=# % {x}[15,24]'],
  [' --title 🌊wave', 'title=🌊wave[15,21]'],
  [' -- --size', '--size[10,16]'],
  [' -- -10000', '-10000[10,16]'],
  [' --count -5', 'count=-5[15,17]'],
  [' --count={limit}', 'count={limit}[15,22]'],
  [' --count { a ? { b: 1 }.b : 2 }', 'count={a ? { b: 1 }.b : 2}[15,37]'],
  [" --count {'}'.length}", "count={'}'.length}[15,27]"],
  [' --count {`${ {a: 1}.a }`.length}', 'count={`${ {a: 1}.a }`.length}[15,39]'],
  [' --size {slow ? "10s" : "5s"} orders', 'orders[36,42] size={slow ? "10s" : "5s"}[14,35]'],
  [' (orders.filter(o => o.ok))', '{(orders.filter(o => o.ok))}[7,33]'],
  [' (orders) --all', '{(orders)}[7,15] all=true[16,21]'],
  [' orders a b', 'orders[7,13] a[14,15] b[16,17]'],
  [' --tag a --tag=b', 'tag=a[13,14] tag=b[21,22]'],
  [' orders;', 'orders[7,13] ;'],
  [' --size 10s ;', 'size=10s[14,17] ;'],
  [' --all;', 'all=true[7,12] ;'],
  [' --title "a;"', 'title=a;[15,19]'],
  [' --share 5%', 'share=5%[15,17]'],
  [' --share 0.05', 'share=0.05[15,19]'],
  [' --buffer 64kB', 'buffer=64kB[16,20]'],
  [' --at 2026-01-31T00:00Z', 'at=2026-01-31T00:00Z[12,29]'],
  [' --at 2026-01-31T00:00:30.5+02:00', 'at=2026-01-31T00:00:30.5+02:00[12,39]'],
  [' --by a,b', 'by=a,b[12,15]'],
  [' --by "a, b"', 'by=a, b[12,18]'],
  [' --as größe', 'as=größe[12,17]'],
]

for (const [header, result] of values) {
  test(`a header is read with positions: ${JSON.stringify(header)}`, () => assert.equal(read(header), result))
}

/** Header, message, the carets as typed below `%probe…`, hint. */
const errors: readonly (readonly [header: string, message: string, carets: string, hint?: string])[] = [
  [' --siez 10s', '%probe has no option --siez, did you mean --size', '       ^^^^^^', '--size'],
  [' --zzz', '%probe has no option --zzz', '       ^^^^^'],
  [' -s 10s', '%probe has no option -s', '       ^^'],
  [' -all', '%probe has no option -all, did you mean --all', '       ^^^^', '--all'],
  [' --size', '--size needs a value', '       ^^^^^^', '--size 10s'],
  [' --size=', '--size needs a value', '       ^^^^^^', '--size 10s'],
  [' --size --all', '--size needs a value', '       ^^^^^^', '--size 10s'],
  [' --all=yes', '--all takes no value', '       ^^^^^^^^^', '--all'],
  [' --all --all', '--all is given twice', '             ^^^^^'],
  [' --size 10s --size=5s', '--size is given twice', '                  ^^^^^^'],
  [' --size 10', '--size of %probe is "10": a duration has a unit, like 10ms, 10s or 10m', '              ^^'],
  [
    ' --size soon',
    '--size of %probe is "soon": a duration is a number with a unit: 500ms, 10s, 5m, 1h, 1d, 1w or 1mo',
    '              ^^^^',
  ],
  [' --count 1.5', '--count of %probe is "1.5": a whole number is expected, like 3', '               ^^^'],
  [' --ratio abc', '--ratio of %probe is "abc": a number is expected, like 0.5', '               ^^^'],
  [
    ' --share 120%',
    '--share of %probe is "120%": a share is between 0% and 100%, like 5% or 0.05',
    '               ^^^^',
  ],
  [' --buffer 10', '--buffer of %probe is "10": a size is a number with a unit: 64kB or 10MB', '                ^^'],
  [
    ' --at 2026-01-31T00:00',
    '--at of %probe is "2026-01-31T00:00": an instant has an offset: 2026-01-31T00:00Z or 2026-01-31T00:00+02:00',
    '            ^^^^^^^^^^^^^^^^',
  ],
  [' --mark lien', '--mark of %probe is "lien": it is one of line, bar', '              ^^^^', '--mark line'],
  [' --by a,,b', '--by of %probe is "a,,b": fields are separated by single commas: a,b', '            ^^^^'],
  [' --as class', '--as of %probe is "class": class is a reserved word, class_ is not', '            ^^^^^'],
  [' --as a-b', '--as of %probe is "a-b": a name is a TypeScript identifier, like revenue', '            ^^^'],
  [' --as {x}', '--as is a name: an expression cannot stand here', '            ^^^'],
  [" --title 'open", "The quote ' is not closed", '               ^^^^^'],
  [' --count {a', 'The expression has no closing }', '               ^^'],
  [' --count {a +}', 'The expression does not parse: Unexpected token', '                   ^'],
  [' --count {}', 'The expression does not parse: Empty parenthesized expression', '                ^'],
  [' --count {1}x', 'A blank is missing before x', '                  ^'],
  [' (orders', 'The expression has no closing )', '       ^^^^^^^'],
]

for (const [header, message, carets, hint] of errors) {
  test(`a header is refused with carets: ${JSON.stringify(header)}`, () => {
    assert.throws(
      () => parse(header),
      (error: unknown) => {
        assert.ok(error instanceof UsageError)
        const tries = hint === undefined ? [] : [`Try: ${hint}`]
        assert.deepEqual(error.lines, [
          `UsageError: ${message}`,
          `  %probe${header}`,
          `  ${carets}`,
          ...tries,
          `Usage: ${usageOf(probe)}`,
        ])
        assert.equal(error.name, 'UsageError')
        return true
      },
    )
  })
}

test('the usage is one line with all words and options', () => {
  assert.equal(
    usageOf({ ...probe, options: probe.options.slice(0, 3) }),
    '%probe [STREAM] [MORE…] [--size 10s] [--count N] [--ratio N]',
  )
})

test('the nearest name is near, not merely the first', () => {
  assert.equal(nearest('tumblin', ['hopping', 'tumbling']), 'tumbling')
  assert.equal(nearest('TOPICS', ['topic', 'topics']), 'topics')
  assert.equal(nearest('xyz', ['topic', 'topics']), undefined)
  assert.equal(nearest('xyz', []), undefined)
})

test('a password in a URL is not repeated by the error that refuses it', () => {
  const error = new UsageError('Cannot use "kafka://me:secret@host"', {
    cell: '%connect kafka://me:secret@host',
    start: 9,
    end: 31,
  })
  assert.ok(!error.lines.join().includes('secret'))
  assert.ok(!error.message.includes('secret'))
  assert.equal(error.lines[1], '  %connect kafka://*********@host')
})

test('an error on a later line names that line', () => {
  const error = new UsageError('Wrong', { cell: 'const a = 1\n\t%topic x', start: 20, end: 21 })
  assert.deepEqual([error.line, error.column], [2, 9])
  assert.deepEqual(error.lines.slice(1, 3), ['  \t%topic x', '  \t       ^'])
})
