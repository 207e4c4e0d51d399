/** The short test that holds the folder table. The first half shows the finder files that break a rule; the second reads the tree. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { packageRoot } from '../kernel/setup/places.ts'
import { brokenRules, importRing, type SourceFile } from './import-rules.ts'

const planted: readonly (readonly [path: string, text: string, message: RegExp])[] = [
  ['stream/model.ts', "import { run } from '../kernel/main.ts'", /stream may import nothing else/],
  ['magics/window.ts', "import type { X } from '../kernel/rpc.ts'", /magics may import stream/],
  ['stream/connectors/file.ts', "import { decode } from '../schemas/json.ts'", /must not know stream\/schemas/],
  ['stream/schemas/json.ts', "export { open } from '../connectors/file.ts'", /must not know stream\/connectors/],
  ['stream/operators/map.ts', "import { Kafka } from 'kafkajs'", /only stream\/connectors\/ may/],
  ['magics/topic.ts', "const z = await import('zeromq')", /only kernel\/ may/],
  ['stream/charts/hub.ts', "import { join } from 'node:path'", /run in the browser too/],
  ['stream/charts/hub.ts', "import fs from 'fs'", /run in the browser too/],
  ['stream/operators/map.ts', 'const now = Date.now()', /stream\/operators\/map\.ts:1 reads the wall clock/],
  ['stream/log/feed.ts', '// why\nsetTimeout(tick, 5)', /feed\.ts:2 reads the wall clock/],
  ['kernel/utils/text.ts', '', /folder named "utils"/],
  ['extension/src/index.ts', "import { x } from '../../kernel/rpc.ts'", /extension may import stream\/charts/],
  ['kernel/view.ts', "import { parse } from 'vega'", /only extension\/ may/],
]

for (const [path, text, message] of planted) {
  test(`the rule finder flags ${path} with ${JSON.stringify(text)}`, () => {
    const broken = brokenRules({ path, text })
    assert.equal(broken.length, 1, broken.join('\n'))
    assert.match(broken[0] ?? '', message)
  })
}

test('the rule finder lets good imports, comments and the clock file pass', () => {
  assert.deepEqual(
    brokenRules({ path: 'kernel/main.ts', text: "import 'zeromq'\nimport { a } from '../stream/model.ts'" }),
    [],
  )
  assert.deepEqual(brokenRules({ path: 'stream/time/clock.ts', text: 'export const now = () => Date.now()' }), [])
  assert.deepEqual(
    brokenRules({ path: 'stream/operators/map.ts', text: "/** Date.now() is not read. */\n// import 'zeromq'" }),
    [],
  )
})

test('a ring of imports is found, a ring of types is not one', () => {
  const ring = [
    { path: 'stream/a.ts', text: "import { b } from './b.ts'" },
    { path: 'stream/b.ts', text: "import { c } from './c.ts'" },
    { path: 'stream/c.ts', text: "export { a } from './a.ts'" },
  ]
  assert.deepEqual(importRing(ring), ['stream/a.ts', 'stream/b.ts', 'stream/c.ts', 'stream/a.ts'])
  const types = [ring[0]!, { path: 'stream/b.ts', text: "import type { A } from './a.ts'" }]
  assert.equal(importRing(types), undefined)
})

const tree = [...sourceFiles('')]

test('every file keeps the import table', () => {
  assert.ok(tree.length > 50, `only ${tree.length} files were read`)
  assert.deepEqual(tree.flatMap(brokenRules), [])
})

test('no files import each other in a ring', () => {
  assert.equal(importRing(tree)?.join(' -> '), undefined)
})

test('outside the extension no folder is called src, lib, core, common or utils', () => {
  const bad = tree.filter(
    file => !file.path.startsWith('extension/') && /(^|\/)(src|lib|core|common|utils)\//.test(file.path),
  )
  assert.deepEqual(bad, [])
})

test('notebooks import no file of the project', () => {
  for (const name of readdirSync(join(packageRoot, 'notebooks')).filter(each => each.endsWith('.ipynb'))) {
    const cells = (
      JSON.parse(readFileSync(join(packageRoot, 'notebooks', name), 'utf8')) as {
        cells: { source: string | string[] }[]
      }
    ).cells
    for (const cell of cells) assert.doesNotMatch([cell.source].flat().join(''), /(from|import\()\s*['"]\.\.?\//, name)
  }
})

for (const name of ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md']) {
  test(`every path that ${name} names exists`, () => {
    const text = readFileSync(join(packageRoot, name), 'utf8')
    const paths = [...text.matchAll(/`([A-Za-z0-9_.-]+\/[A-Za-z0-9_./-]*)`|\]\(([A-Za-z0-9_./-]+)\)/g)].map(
      match => match[1] ?? match[2] ?? '',
    )
    assert.ok(paths.length > 0, 'no path was found')
    const built = /^(dist|\.cache|node_modules)\//
    assert.deepEqual(
      paths.filter(path => !built.test(path) && !existsSync(join(packageRoot, path))),
      [],
    )
  })
}

test('ARCHITECTURE.md names every folder of the code and a suite for every law', () => {
  const text = readFileSync(join(packageRoot, 'ARCHITECTURE.md'), 'utf8')
  const folders = ['', 'stream', 'kernel'].flatMap(parent =>
    readdirSync(join(packageRoot, parent), { withFileTypes: true })
      .filter(entry => entry.isDirectory() && !/^(\.|node_modules$|dist$)/.test(entry.name))
      .map(entry => (parent === '' ? entry.name : `${parent}/${entry.name}`)),
  )
  assert.deepEqual(
    folders.filter(folder => !text.includes(`\`${folder}/\``) && !text.includes(`\`${folder}\``)),
    [],
  )
  const laws = text.split('\n').filter(line => /^\| \d+ \|/.test(line))
  assert.ok(laws.length >= 9, `only ${laws.length} laws are listed`)
  for (const law of laws) assert.match(law, /`[^`]+\.ts`/, law)
})

function* sourceFiles(folder: string): Generator<SourceFile> {
  for (const entry of readdirSync(join(packageRoot, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (/^(\.|node_modules$|dist$|labextension$)/.test(entry.name) || path === 'extension/lib' || path === 'docs')
      continue
    if (entry.isDirectory()) yield* sourceFiles(path)
    else if (/\.(ts|mts)$/.test(entry.name)) yield { path, text: readFileSync(join(packageRoot, path), 'utf8') }
  }
}
