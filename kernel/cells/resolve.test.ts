import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { resolvePackage } from './resolve.ts'

const folder = mkdtempSync(join(tmpdir(), 'riffle-resolve-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function file(path: string, text = ''): string {
  const full = join(folder, path)
  mkdirSync(dirname(full), { recursive: true })
  writeFileSync(full, text)
  return full
}

file(
  'node_modules/a/package.json',
  JSON.stringify({
    exports: {
      '.': { types: './a.d.ts', import: './a.mjs', require: './a.cjs' },
      './lib/*': './deep/*.js',
      './no': null,
    },
  }),
)
file('node_modules/@scope/b/package.json', JSON.stringify({ main: 'main.js' }))
file('node_modules/@scope/b/main.js')
file('node_modules/@scope/b/extra.js')
file('node_modules/c/package.json', JSON.stringify({ exports: ['./c.js'] }))

const table: readonly (readonly [specifier: string, path: string | undefined])[] = [
  ['a', 'node_modules/a/a.mjs'],
  ['a/lib/x', 'node_modules/a/deep/x.js'],
  ['a/other', undefined],
  ['a/no', undefined],
  ['@scope/b', 'node_modules/@scope/b/main.js'],
  ['@scope/b/extra', 'node_modules/@scope/b/extra.js'],
  ['@scope/b/missing', undefined],
  ['c', 'node_modules/c/c.js'],
  ['not-there', undefined],
]

for (const [specifier, path] of table) {
  test(`"${specifier}" is ${path ?? 'not found'}`, () => {
    const below = join(folder, 'notebooks', 'deep')
    assert.equal(resolvePackage(specifier, below), path === undefined ? undefined : join(folder, path))
  })
}
