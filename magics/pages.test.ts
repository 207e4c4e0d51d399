/** The generated pages and the table follow the definitions. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { MAGICS } from './index.ts'
import { docsPages } from './pages.ts'

const here = fileURLToPath(new URL('./', import.meta.url))
const docs = fileURLToPath(new URL('../docs/magics/', import.meta.url))

test('every page of docs/magics is what the definitions say', () => {
  const pages = docsPages()
  const fix = 'run: node --import tsx magics/write-docs.ts'
  assert.deepEqual(readdirSync(docs).sort(), [...pages.keys()].sort(), fix)
  for (const [name, text] of pages)
    assert.equal(readFileSync(docs + name, 'utf8'), text, `docs/magics/${name} is stale, ${fix}`)
})

test('every file that defines a magic has its row in the table of magics/index.ts', () => {
  const table = readFileSync(`${here}index.ts`, 'utf8')
  const names = new Set(MAGICS.map(magic => magic.name))
  let files = 0
  for (const file of readdirSync(here).filter(name => name.endsWith('.ts') && !name.includes('.test.'))) {
    const defined = /: MagicDefinition = (?:defineMagic|controlMagic)\(/.test(readFileSync(here + file, 'utf8'))
    if (!defined) continue
    files++
    const name = file.slice(0, -3)
    const missing = `add to magics/index.ts:\nimport { ${name} } from './${file}'\nand the row\n  ${name},`
    assert.ok(table.includes(`'./${file}'`) && names.has(name), missing)
  }
  assert.equal(files, MAGICS.length)
})

test('names of magics and of their options are unique and spelt like options', () => {
  assert.equal(new Set(MAGICS.map(magic => magic.name)).size, MAGICS.length)
  for (const magic of MAGICS) {
    const names = magic.options.map(option => option.name)
    assert.equal(new Set(names).size, names.length, magic.name)
    for (const name of [magic.name, ...names]) assert.match(name, /^[a-z][a-z-]*$/)
  }
})
