import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { packageRoot } from '../../kernel/setup/places.ts'
import { mutations } from './mutations.ts'

test('every planted fault names one place in the tree and a suite that exists', () => {
  assert.ok(mutations.length >= 12, `only ${mutations.length} faults are listed`)
  const stale = mutations.flatMap(({ name, file, find, suite }) => {
    const path = join(packageRoot, file)
    const times = existsSync(path) ? readFileSync(path, 'utf8').split(find).length - 1 : 0
    const missing = suite.filter(each => !existsSync(join(packageRoot, each)))
    return [
      ...(times === 1 ? [] : [`${name}: found ${times} times in ${file}`]),
      ...missing.map(each => `${name}: no ${each}`),
    ]
  })
  assert.deepEqual(stale, [])
})

test('no two planted faults have one name', () => {
  const names = mutations.map(mutation => mutation.name)
  assert.deepEqual(names, [...new Set(names)])
})
