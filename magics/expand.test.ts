/** Cells with magics as TypeScript: literal expansions, names, positions, errors. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DefaultNames, expandCell } from './index.ts'
import { contextOf, expanded, refusal } from './testing.ts'

// prettier-ignore
const cases: readonly (readonly [what: string, cell: string, typescript: readonly string[]])[] = [
  ['a cell without magics', 'const a = 1 % 2\na', ['const a = 1 % 2', 'a']],
  ['topics', '%topics', ['await notebook.topics(undefined, {})']],
  ['topics by pattern', '%topics order*', ["await notebook.topics('order*', {})"]],
  ['topics of a connection', '%topics prod:order* --internal', ["await notebook.topics('order*', { connection: 'prod', internal: true })"]],
  ['all topics of a connection', '%topics prod: --json', ["await notebook.topics(undefined, { connection: 'prod', json: true })"]],
  ['checkpoint', '%checkpoint 10s --folder "my states"', ["display(await riffle.checkpoint('10s', { folder: 'my states' }))"]],
  ['checkpoint off', '%checkpoint off', ["display(await riffle.checkpoint('off'))"]],
  ['checkpoint tells', '%checkpoint', ['display(await riffle.checkpoint())']],
  ['topics create', '%topics create refunds --partitions 6', ["await riffle.createTopic('refunds', { partitions: 6 })"]],
  ['topics delete', '%topics delete prod:refunds', ["await riffle.deleteTopic('prod:refunds')"]],
  ['topics describe', '%topics describe orders', ["await notebook.describeTopic('orders')"]],
  ['topic create is topics create', '%topic create refunds', ["await riffle.createTopic('refunds')"]],
  ['a topic called like an action', '%topic -- log', ["const log = await riffle.topic('log')", 'log']],
  ['a pattern called like an action', '%topics -- create', ["await notebook.topics('create', {})"]],
  ['a topic', '%topic orders', ["const orders = await riffle.topic('orders')", 'orders']],
  [
    'a topic with options',
    '%topic orders --from earliest --time orderedAt --out-of-order 5s --as all',
    ["const all = await riffle.topic('orders', { from: 'earliest', time: 'orderedAt', outOfOrder: '5s' })", 'all'],
  ],
  ['a topic that shows nothing', '%topic orders;', ["const orders = await riffle.topic('orders')"]],
  ['a topic of a connection', '%topic prod:orders.v1', ["const ordersV1 = await riffle.topic('prod:orders.v1')", 'ordersV1']],
  ['a topic given by an expression', '%topic {name} --as t', ['const t = await riffle.topic(name)', 't']],
  ['a topic above TypeScript shows nothing', '%topic orders\norders.filter(o => o.ok)', ["const orders = await riffle.topic('orders')", 'orders.filter(o => o.ok)']],
  ['a window', '%%window orders --tumbling 10s', ['const ordersWindow = orders', "  .window(riffle.tumbling('10s'))", '  .aggregate({ count: riffle.count() })', 'ordersWindow']],
  [
    'a chain of sections',
    "%%filter orders\no => o.amount > 0\n%%window --tumbling 10s --by region --lateness 2s --as revenue\nrevenue: sum('amount'),\nn: count(),\n%%chart --mark line --y revenue",
    [
      'const revenue = orders',
      '  .filter(o => o.amount > 0)',
      "  .keyBy('region')",
      "  .window(riffle.tumbling('10s'), { lateness: '2s' })",
      '  .aggregate({',
      "    revenue: riffle.sum('amount'),",
      '    n: riffle.count(),',
      '  })',
      "revenue.chart({ mark: 'line', y: 'revenue' })",
    ],
  ],
  [
    'a named section is not joined with what continues it',
    '%%filter orders --as big\no => o.ok\n%%map\no => ({ ...o })',
    ['const big = orders', '  .filter(o => o.ok)', 'const bigMap = big', '  .map(o => ({ ...o }))', 'bigMap'],
  ],
  [
    'two independent sections, the last is shown',
    '%%filter orders\no => o.ok\n%%filter payments\np => p.ok',
    ['const ordersFilter = orders', '  .filter(o => o.ok)', 'const paymentsFilter = payments', '  .filter(p => p.ok)', 'paymentsFilter'],
  ],
  [
    'a section continues the topic above it',
    '%topic clicks\n%%window --tumbling 1m',
    ["const clicks = await riffle.topic('clicks')", 'const clicksWindow = clicks', "  .window(riffle.tumbling('1m'))", '  .aggregate({ count: riffle.count() })', 'clicksWindow'],
  ],
  [
    'a section reads a variable of the TypeScript above it',
    'const fresh = orders.filter(o => o.ok)\n%%map fresh\no => o.amount',
    ['const fresh = orders.filter(o => o.ok)', 'const freshMap = fresh', '  .map(o => o.amount)', 'freshMap'],
  ],
  ['a hopping window', '%%window orders --hopping 10s/5s --offset 1s', ['const ordersWindow = orders', "  .window(riffle.hopping('10s', '5s', { offset: '1s' }))", '  .aggregate({ count: riffle.count() })', 'ordersWindow']],
  ['a cumulating window', '%%window orders --cumulating=1h/1m', ['const ordersWindow = orders', "  .window(riffle.cumulating('1h', '1m'))", '  .aggregate({ count: riffle.count() })', 'ordersWindow']],
  ['an expression for STREAM', '%%map (orders.filter(o => o.ok))\no => o.amount', ['const ordersMap = (orders.filter(o => o.ok))', '  .map(o => o.amount)', 'ordersMap']],
  ['a chart of an expression below TypeScript', 'const a = 1\n%%chart (orders.late())', ['const a = 1', ';(orders.late()).chart()']],
  ['a topic name for STREAM means its variable', '%%map orders.v1\no => o', ['const ordersV1Map = ordersV1', '  .map(o => o)', 'ordersV1Map']],
  ['a body with comments and a semicolon', '%%filter orders\n// large\no => o.ok // yes\n', ['const ordersFilter = orders', '  .filter(o => o.ok)', 'ordersFilter']],
  ['a body over several lines', '%%map orders\no => {\n  return o.amount\n};', ['const ordersMap = orders', '  .map(o => {', '  return o.amount', '})', 'ordersMap']],
  ['sessions', '%%window orders --session 30s --lateness 5s', ['const ordersWindow = orders', "  .window(riffle.session('30s'), { lateness: '5s' })", '  .aggregate({ count: riffle.count() })', 'ordersWindow']],
  ['counted windows', '%%window orders --counting 100', ['const ordersWindow = orders', '  .window(riffle.counting(100))', '  .aggregate({ count: riffle.count() })', 'ordersWindow']],
  ['sliding counted windows', '%%window orders --counting 100/10', ['const ordersWindow = orders', '  .window(riffle.counting(100, 10))', '  .aggregate({ count: riffle.count() })', 'ordersWindow']],
  ['over a range', "%%window orders --over 10m\nm: mean('amount')", ['const ordersWindow = orders', "  .window(riffle.over('10m'))", "  .aggregate({ m: riffle.mean('amount') })", 'ordersWindow']],
  ['over rows', '%%window orders --over 100', ['const ordersWindow = orders', '  .window(riffle.over(100))', '  .aggregate({ count: riffle.count() })', 'ordersWindow']],
  ['over an expression', '%%window orders --over {n}', ['const ordersWindow = orders', '  .window(riffle.over(n))', '  .aggregate({ count: riffle.count() })', 'ordersWindow']],
  ['calendar days of a zone', '%%window orders --tumbling 1d --zone Europe/Berlin', ['const ordersWindow = orders', "  .window(riffle.tumbling('1d', { zone: 'Europe/Berlin' }))", '  .aggregate({ count: riffle.count() })', 'ordersWindow']],
  ['months growing by days', '%%window orders --cumulating 1mo/1d --zone Asia/Tokyo', ['const ordersWindow = orders', "  .window(riffle.cumulating('1mo', '1d', { zone: 'Asia/Tokyo' }))", '  .aggregate({ count: riffle.count() })', 'ordersWindow']],
  ['a window body with braces', '%%window orders --tumbling 1s\n{ n: count() }', ['const ordersWindow = orders', "  .window(riffle.tumbling('1s'))", '  .aggregate({ n: riffle.count() })', 'ordersWindow']],
  ['a parameter called like the API', '%%map orders\n(sum, i) => sum.reduce(count => count(1))', ['const ordersMap = orders', '  .map((sum, i) => sum.reduce(count => count(1)))', 'ordersMap']],
  ['the API in a nested lambda', '%%map orders\no => [o].map(x => mean(x.list, y => y))', ['const ordersMap = orders', '  .map(o => [o].map(x => riffle.mean(x.list, y => y)))', 'ordersMap']],
  ['a variable called like the API that is not called', '%%filter orders\no => o.amount > max', ['const ordersFilter = orders', '  .filter(o => o.amount > max)', 'ordersFilter']],
  ['rows as JSON lines', '%%produce orders\n{"id":1}\n\n{"id":2}\n', ["await riffle.produce('orders', [", '  {"id":1},', '  {"id":2},', '])']],
  ['rows as an array', '%%produce orders\n[{"id":1}]', ["await riffle.produce('orders', [{\"id\":1}])"]],
  ['rows as an expression', '%%produce orders --rate 2\nmake(3)', ["await riffle.produce('orders', make(3), { rate: 2 })"]],
  ['one row as an object', '%%produce orders\n{ id: 1 }', ["await riffle.produce('orders', [{ id: 1 }])"]],
  ['a tombstone', '%%produce orders\nnull', ["await riffle.produce('orders', [", '  null,', '])']],
  ['lines as they are', "%%produce notes --format text\n\n it's {\n\nlast\n", ["await riffle.produce('notes', [", "  ' it\\'s {',", "  '',", "  'last',", "], { format: 'text' })"]],
  ['bytes', '%%produce notes --format bytes\naGk=', ["await riffle.produce('notes', [", "  'aGk=',", "], { format: 'bytes' })"]],
  ['generate tunes', '%%generate orders --late 20%', ["await riffle.generate('orders', { late: 0.2 })"]],
  ['generate without options', '%%generate mine\n(i, random, at) => ({ i, at })', ["await riffle.generate('mine', {}, (i, random, at) => ({ i, at }))"]],
  ['connect', '%connect', ["await riffle.connect('embedded')"]],
  ['connect kafka', '%connect kafka://a:9092,b:9092 --as prod', ["await riffle.connect('kafka://a:9092,b:9092', { as: 'prod' })"]],
  ['stop', '%stop revenue big', ["await notebook.control('stop', ['revenue', 'big'], { all: false })"]],
  ['stop drain', '%stop revenue --drain', ["await notebook.control('drain', ['revenue'], { all: false })"]],
  ['pause all', '%pause --all', ["await notebook.control('pause', [], { all: true })"]],
  ['resume', '%resume revenue', ["await notebook.control('resume', ['revenue'], { all: false })"]],
  ['param', '%param least 100 --min 0 --max 500 --step 10', ["const least = riffle.param('least', 100, { min: 0, max: 500, step: 10 })"]],
  ['param of choices', '%param region north --choices north,south', ["const region = riffle.param('region', 'north', { choices: ['north', 'south'] })"]],
  ['param true', '%param loud true', ["const loud = riffle.param('loud', true)"]],
  ['param in quotes is a text', '%param code "5"', ["const code = riffle.param('code', '5')"]],
  ['streams', '%streams --graph', ['await notebook.streams({ graph: true })']],
  ['lsmagic', '%lsmagic', ['await notebook.lsmagic()']],
  ['quickref', '%quickref', ['await notebook.quickref()']],
  ['types', '%types warn', ["await notebook.types('warn')"]],
  ['types asked', '%types', ['console.log(await notebook.types())']],
  ['html to the end of the cell', '%%html\n<b>`${x}`</b>\n%%filter\n', ['display.html(`<b>\\`\\${x}\\`</b>', '%%filter`);']],
  ['markdown', '%%markdown\n# a \\b', ['display.markdown(`# a \\\\b`);']],
  ['writefile', '%%writefile a.ts\nexport const a = 1', ["await (await import('node:fs/promises')).writeFile('a.ts', `export const a = 1", '`)']],
  ['time', '%time await orders.take(2)', ["console.time('time')", 'void (await orders.take(2))', "console.timeEnd('time')"]],
  ['cd', '%cd "my folder"', ["process.chdir('my folder')", 'console.log(process.cwd())']],
  ['env', '%env TZ UTC', ["process.env['TZ'] = 'UTC';"]],
  ['history', '%history', ["console.log((await notebook.history()).map(entry => entry.input).join('\\n\\n'))"]],
  ['who', '%who', ['console.table(await notebook.who())']],
  ['help of a magic', '%topic?', ["await notebook.help('%topic')"]],
  ['help of a variable', 'orders?', ["await notebook.help('orders')"]],
  ['a line magic before a bracket', '%streams\n(orders)', ['await notebook.streams({})', ';(orders)']],
  ['a quiet section', '%%window orders --tumbling 1s;', ['const ordersWindow = orders', "  .window(riffle.tumbling('1s'))", '  .aggregate({ count: riffle.count() })']],
  ['quotes in a value', `%%chart orders --title "it's"`, ["orders.chart({ title: 'it\\'s' })"]],
]

for (const [what, cell, typescript] of cases) {
  test(`a cell becomes TypeScript: ${what}`, () => {
    assert.equal(expanded(cell, { names: ['orders', 'payments', 'ordersV1'] }), typescript.join('\n'))
  })
}

test('a stream whose variable is gone is found by its name', () => {
  assert.equal(
    expanded('%%map revenue\nr => r.n', { streams: { revenue: ['n'] }, names: [] }),
    "const revenueMap = riffle.stream('revenue')\n  .map(r => r.n)\nrevenueMap",
  )
})

test('desugar prints TypeScript that runs outside a notebook', () => {
  assert.equal(
    expanded('%desugar\n%%window orders --tumbling 10s --by region'),
    [
      'await notebook.desugar([',
      "  'import { count, tumbling } from \\'riffle-kernel\\'',",
      "  '',",
      "  'const ordersWindow = orders',",
      "  '  .keyBy(\\'region\\')',",
      "  '  .window(tumbling(\\'10s\\'))',",
      "  '  .aggregate({ count: count() })',",
      "  'ordersWindow.chart()',",
      "].join('\\n'))",
    ].join('\n'),
  )
})

test('desugar keeps the API apart from a variable of its name', () => {
  const source = expanded('%desugar\n%%window orders --tumbling 1s\nn: count()', { names: ['orders', 'count'] })
  assert.match(source, /import \* as riffle from/)
  assert.match(source, /riffle\.count\(\)/)
})

test('desugar gives the name that the cell itself gets', () => {
  const defaultNames = new DefaultNames()
  const cell = '%%window orders --tumbling 1s'
  assert.match(expanded(`%desugar\n${cell}`, { defaultNames }), /ordersWindow = /)
  assert.match(expanded(cell, { defaultNames }), /^const ordersWindow = /)
})

test('a name given without --as belongs to its cell', () => {
  const defaultNames = new DefaultNames()
  const cell = '%%window orders --tumbling 1s'
  const name = (cellId: string): string => /const (\w+)/.exec(expanded(cell, { cellId, defaultNames }))?.[1] ?? ''
  assert.deepEqual(
    [name('a'), name('b'), name('a'), name('c'), name('b')],
    ['ordersWindow', 'ordersWindow2', 'ordersWindow', 'ordersWindow3', 'ordersWindow2'],
  )
  assert.deepEqual(contextNames(defaultNames, 'a', 2), ['ordersWindow', 'ordersWindow4'])
})

function contextNames(defaultNames: DefaultNames, cellId: string, count: number): string[] {
  const next = defaultNames.forCell(cellId)
  return Array.from({ length: count }, () => next('ordersWindow'))
}

test('completion in a cell takes no name away', () => {
  const defaultNames = new DefaultNames()
  const cell = '%%window orders --tumbling 1s'
  assert.match(
    expandCell(cell, { ...contextOf({ cellId: 'probe', defaultNames }), lenient: true }).source,
    /^const ordersWindow = /,
  )
  assert.match(expanded(cell, { cellId: 'a', defaultNames }), /^const ordersWindow = /)
})

test('a name of the user is not taken for a stream', () => {
  assert.equal(new DefaultNames().forCell('a', new Set(['ordersWindow']))('ordersWindow'), 'ordersWindow2')
})

test('what the cell makes and what is told', () => {
  const { makes, notices } = expandCell('%topic orders.v1\n%topic sum\n%%window --tumbling 1s --as n', contextOf())
  assert.deepEqual(makes, ['ordersV1', 'sum_', 'n'])
  assert.deepEqual(notices, ['orders.v1 is bound to ordersV1', 'sum is bound to sum_'])
})

test('a variable of an API name is told once', () => {
  const told = new Set<string>()
  const cell = '%%window orders --tumbling 1s\na: count(), b: count()'
  const context = { ...contextOf({ names: ['orders', 'count'] }), told }
  expandCell(cell, { ...context, lenient: true })
  const notice = "count(…) in a magic is Riffle's own; the variable count of this notebook is not touched"
  assert.deepEqual(expandCell(cell, context).notices, [notice])
  assert.deepEqual(expandCell(cell, context).notices, [])
})

test('a chart that is not the last section says that nothing shows it', () => {
  const { source, notices } = expandCell('%%chart orders\n%%map orders\no => o', contextOf())
  assert.equal(source, 'const ordersMap = orders\n  .map(o => o)\nordersMap')
  assert.deepEqual(notices, ['%%chart is not the last section of this cell: only the last one is shown'])
})

// prettier-ignore
const errors: readonly (readonly [cell: string, lines: readonly string[]])[] = [
  ['%topcs', ['UsageError: There is no magic %topcs, did you mean %topics', '  %topcs', '  ^^^^^^', 'Try: %topics']],
  ['%%windw orders', ['UsageError: There is no magic %%windw, did you mean %%window', '  %%windw orders', '  ^^^^^^^', 'Try: %%window']],
  ['%nothing', ['UsageError: There is no magic %nothing', '  %nothing', '  ^^^^^^^^', 'Try: %lsmagic']],
  ['%%', ['UsageError: A magic has a name', '  %%', '  ^^', 'Try: %lsmagic']],
  ['%window orders', ['UsageError: %window is not a line magic, %%window is one', '  %window orders', '  ^^^^^^^', 'Try: %%window']],
  ['%%topics', ['UsageError: %%topics is not a cell magic, %topics is one', '  %%topics', '  ^^^^^^^^', 'Try: %topics']],
  ['%%window clicks --tumbling 1s', ['UsageError: clicks is a topic, no stream is bound to it yet', '  %%window clicks --tumbling 1s', '           ^^^^^^', 'Try: %topic clicks']],
  ['%%window oders --tumbling 1s', ['UsageError: There is no stream oders, did you mean orders', '  %%window oders --tumbling 1s', '           ^^^^^', 'Try: orders']],
  ['%%window orders --session 30s --offset 1s', ['UsageError: --offset is for --tumbling, --hopping, --cumulating, a window --session has none', '  %%window orders --session 30s --offset 1s', '                                         ^^']],
  ['%%window orders --over 10m --lateness 1s', ['UsageError: --lateness is for --tumbling, --hopping, --cumulating, --session, a window --over has none', '  %%window orders --over 10m --lateness 1s', '                                        ^^']],
  ['%%window --tumbling 1s', ['UsageError: %%window names no STREAM and no section above makes one', '  %%window --tumbling 1s', '  ^^^^^^^^^^^^^^^^^^^^^^', 'Try: %%window orders']],
  ['%%window orders', ['UsageError: %%window does not say which window', '  %%window orders', '  ^^^^^^^^^^^^^^^', 'Try: --tumbling 10s']],
  ['%%chart orders --zone Mars', ['UsageError: --zone of %%chart is "Mars": a zone is a name like Europe/Berlin or UTC', '  %%chart orders --zone Mars', '                        ^^^^']],
  ['%%window orders --hopping 10s', ['UsageError: --hopping of %%window is "10s": it is two durations, like 10s/5s', '  %%window orders --hopping 10s', '                            ^^^']],
  ['%%window orders --tumbling 1s --hopping 2s/1s', ['UsageError: %%window is --tumbling or --hopping, not both', '  %%window orders --tumbling 1s --hopping 2s/1s', '                                          ^^^^^']],
  ['%%window orders --tumbling 1s --emit often', ['UsageError: --emit of %%window is "often": it is final, changes or a duration like 1s', '  %%window orders --tumbling 1s --emit often', '                                       ^^^^^']],
  ['%%filter orders --as orders\no => o', ['UsageError: %%filter cannot call its result orders: it reads the stream of that name', '  %%filter orders --as orders', '                       ^^^^^^', 'Try: --as orders2']],
  ['%%filter orders', ['UsageError: %%filter has no body: a lambda from a row to true or false: o => o.amount > 0', '  %%filter orders', '  ^^^^^^^^^^^^^^^', 'Try: o => o.amount > 100']],
  ['%%filter orders\no => (o.ok', ['UsageError: The body of %%filter does not parse as one TypeScript expression: Expected `)` but found `EOF`', '  o => (o.ok', '           ^']],
  ['%%filter orders\na, b', ['UsageError: The body of %%filter does not parse as one TypeScript expression: a comma parts it in two', '  a, b', '     ^']],
  ['%%generate orders\n#', ['UsageError: The body of %%generate does not parse as one TypeScript expression: Invalid Character ` `', '  #', '  ^']],
  ['%%produce orders\n{"id":1}\n{id:2}', ["UsageError: A row of %%produce is not JSON: Expected property name or '}' in JSON at position 1", '  {id:2}', '  ^^^^^^', 'Try: { "amount": 1 }']],
  ['%%chart orders\n[1]', ['UsageError: The body of %%chart is a part of a Vega-Lite spec, an object', '  [1]', '  ^^^', 'Try: { "mark": { "strokeWidth": 3 } }']],
  ['%%chart orders --fps 60', ['UsageError: --fps of %%chart is "60": it is 1 to 20', '  %%chart orders --fps 60', '                       ^^']],
  ['%topic log', ['UsageError: %topics log needs a NAME', '  %topic log', '         ^^^', 'Try: %topics log orders']],
  ['%topic', ['UsageError: %topic needs a NAME', '  %topic', '  ^^^^^^', 'Try: %topic orders']],
  ['%topic orders payments', ['UsageError: %topic takes no further word: payments', '  %topic orders payments', '                ^^^^^^^^']],
  ['%topic orders from earliest', ['UsageError: %topic takes no further word: from', '  %topic orders from earliest', '                ^^^^', 'Try: --from']],
  ['%topic orders --from 2026-01-31', ['UsageError: --from of %topic is "2026-01-31": an instant has an offset: 2026-01-31T00:00Z or 2026-01-31T00:00+02:00', '  %topic orders --from 2026-01-31', '                       ^^^^^^^^^^']],
  ['%checkpoint 10', ['UsageError: EVERY is a duration or off: a duration has a unit, like 10ms, 10s or 10m', '  %checkpoint 10', '              ^^', 'Try: %checkpoint 10s']],
  ['%topics create', ['UsageError: %topics create needs a NAME', '  %topics create', '          ^^^^^^', 'Try: %topics create orders']],
  ['%topics remove x', ['UsageError: %topics remove is not an action, it is one of create, delete, describe, log, alter', '  %topics remove x', '          ^^^^^^', 'Try: %topics describe x']],
  ['%topics alter x', ['UsageError: %topics alter names nothing to change', '  %topics alter x', '          ^^^^^', 'Try: %topics alter x --partitions 6']],
  ['%topics log x --partitions 3', ['UsageError: --partitions means nothing for %topics log', '  %topics log x --partitions 3', '                             ^']],
  ['%sink orders', ['UsageError: %sink needs --topic or --file', '  %sink orders', '  ^^^^^^^^^^^^', 'Try: --topic NAME']],
  ['%sink orders --topic a --file b.csv', ['UsageError: %sink has --topic and --file, one of them is meant', '  %sink orders --topic a --file b.csv', '                                ^^^^^']],
  ['%sink orders --file b.csv --key region', ['UsageError: --key means nothing for a file', '  %sink orders --file b.csv --key region', '                                  ^^^^^^']],
  ['%sink orders --file b.xls', ['UsageError: --file of %sink is "b.xls": its name ends in .jsonl, .csv, .avro or .parquet', '  %sink orders --file b.xls', '                      ^^^^^']],
  ['%topics --partitions 3', ['UsageError: --partitions means nothing for the list of topics', '  %topics --partitions 3', '                       ^']],
  ['%connect kafka://me:pw@host:9092', ['UsageError: %connect cannot use "kafka://*****@host:9092": a user or password does not belong into a notebook', '  %connect kafka://*****@host:9092', '           ^^^^^^^^^^^^^^^^^^^^^^^', 'Try: %connect kafka://localhost:9092']],
  ['%connect pulsar://host', ['UsageError: %connect cannot use "pulsar://host": it is embedded, kafka://host:port or file:FOLDER of recordings', '  %connect pulsar://host', '           ^^^^^^^^^^^^^', 'Try: %connect kafka://localhost:9092']],
  ['%stop', ['UsageError: %stop names no stream', '  %stop', '  ^^^^^', 'Try: %stop --all']],
  ['%stop a --all', ['UsageError: %stop has names and --all, one of them is meant', '  %stop a --all', '          ^^^^^']],
  ['%param t 9 --max 5', ['UsageError: 9 is not between anything and 5', '  %param t 9 --max 5', '           ^']],
  ['%param t x --choices a,b', ['UsageError: "x" is none of the choices a, b', '  %param t x --choices a,b', '           ^', 'Try: a']],
  ['%time 1 +', ['UsageError: The expression does not parse: Unexpected token', '  %time 1 +', '          ^']],
  ['%install ../evil', ['UsageError: "../evil" is not the name of an npm package', '  %install ../evil', '           ^^^^^^^', 'Try: %install date-fns']],
  ['%install "--global"', ['UsageError: "--global" is not the name of an npm package', '  %install "--global"', '           ^^^^^^^^^^', 'Try: %install date-fns']],
  ['%env A=b', ['UsageError: "A=b" is not a name of a variable', '  %env A=b', '       ^^^', 'Try: %env A b']],
  ['%types loud', ['UsageError: %types is "loud": it is one of on, warn, off', '  %types loud', '         ^^^^', 'Try: %types on']],
  ['const a = 1\n%desugar', ['UsageError: %desugar stands on top of a cell', '  %desugar', '  ^^^^^^^^']],
  ['%desugar', ['UsageError: %desugar has nothing below it', '  %desugar', '  ^^^^^^^^', 'Try: %desugar above a magic cell']],
  ['wndow?', ['UsageError: There is no help for wndow, did you mean window?', '  wndow?', '  ^^^^^^', 'Try: %lsmagic']],
]

for (const [cell, lines] of errors) {
  test(`a mistake is refused with carets: ${JSON.stringify(cell)}`, () => {
    const found = refusal(cell)
    assert.deepEqual(
      found.filter(line => !line.startsWith('Usage: ')),
      lines,
    )
  })
}

// prettier-ignore
const wrongFields: readonly (readonly [cell: string, lines: readonly string[]])[] = [
  ['%%window orders --tumbling 1s --by orderId,regio', ['UsageError: orders has no field regio, did you mean region; its fields are orderId, region, amount', '  %%window orders --tumbling 1s --by orderId,regio', '                                             ^^^^^', 'Try: --by orderId,region']],
  ['%%chart orders --y amonut', ['UsageError: orders has no field amonut, did you mean amount; its fields are orderId, region, amount', '  %%chart orders --y amonut', '                     ^^^^^^', 'Try: --y amount']],
  ['%%chart payments --x card --color zzz', ['UsageError: payments has no field zzz; its fields are orderId, card', '  %%chart payments --x card --color zzz', '                                    ^^^', 'Try: --color orderId']],
]

for (const [cell, lines] of wrongFields) {
  test(`a field the stream has not is refused: ${JSON.stringify(cell)}`, () => {
    assert.deepEqual(
      refusal(cell).filter(line => !line.startsWith('Usage: ')),
      lines,
    )
  })
}

// prettier-ignore
for (const cell of [
  'const orders = topic("other")\n%%window orders --tumbling 1s --by regio',
  '%%map orders\no => ({ regio: 1 })\n%%window --tumbling 1s --by regio',
  '%%window orders --tumbling 1s --by {regio}',
  '%%window unseen --tumbling 1s --by regio',
]) {
  test(`fields of a stream that may have others are left to the type check: ${JSON.stringify(cell)}`, () => {
    assert.match(expanded(cell, { streams: { orders: ['region'], unseen: [] } }), /keyBy\('?regio'?\)/)
  })
}

test('a section in the middle of a cell is refused with its own line', () => {
  assert.deepEqual(refusal('%%filter orders\no => o.ok\n%%window --tumbling ten').slice(1, 3), [
    '  %%window --tumbling ten',
    '                      ^^^',
  ])
})

test('typed text keeps its place: bodies, expressions and fields point back at the cell', () => {
  const cell =
    "const least = 5\n%%filter orders\no => o.amount > least\n%%window --tumbling {size} --by region,card\ntotal: sum('amount')"
  const { source, spans } = expandCell(cell, contextOf({ names: ['orders', 'size'] }))
  const mapped = (spans ?? []).map(span => [
    source.slice(span.at, span.at + span.length),
    cell.slice(span.typedAt, span.typedAt + span.typedLength),
    span.verbatim,
  ])
  assert.deepEqual(mapped, [
    ['const least = 5\n', 'const least = 5\n', true],
    ['ordersWindow', '%%window --tumbling {size} --by region,card', false],
    ['orders', 'orders', true],
    ['o => o.amount > least', 'o => o.amount > least', true],
    ["'region'", 'region', false],
    ["'card'", 'card', false],
    ['size', 'size', true],
    ['total: ', 'total: ', true],
    ["sum('amount')", "sum('amount')", true],
  ])
})

// prettier-ignore
const typing: readonly (readonly [cell: string, source: string])[] = [
  ['%%filter orders\no => o.', 'const ordersFilter = orders\n  .filter(o => o.)\nordersFilter'],
  ['%%map orders\no => ({ a: o.', 'const ordersMap = orders\n  .map(o => ({ a: o.)\nordersMap'],
  ['%%filter orders\n', 'const ordersFilter = orders\n  .filter()\nordersFilter'],
  ["%%window orders --tumbling 1s\na: sum('", "const ordersWindow = orders\n  .window(riffle.tumbling('1s'))\n  .aggregate({ a: sum(' })\nordersWindow"],
  ['%%chart orders\n{ mark: ', 'orders.chart({ spec: { mark: })'],
  ['%%produce orders\n{"a": 1}\n{"a": x.', 'await riffle.produce(\'orders\', {"a": 1}\n{"a": x.)'],
]

for (const [cell, source] of typing) {
  test(`while a body is typed it stays as it is: ${JSON.stringify(cell)}`, () => {
    const found = expandCell(cell, { ...contextOf(), lenient: true })
    assert.equal(found.source, source)
    for (const span of found.spans ?? []) {
      if (!span.verbatim) continue
      assert.equal(
        found.source.slice(span.at, span.at + span.length),
        cell.slice(span.typedAt, span.typedAt + span.typedLength),
      )
    }
    assert.throws(() => expandCell(cell, contextOf()), { name: 'UsageError' })
  })
}
