import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { install, readKernelspec, uninstall } from './install.ts'

let folder: string
let built: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'riffle-install-'))
  built = join(folder, 'built')
  mkdirSync(join(built, 'static'), { recursive: true })
  writeFileSync(join(built, 'package.json'), '{"version":"0.1.0"}')
  writeFileSync(join(built, 'static/remoteEntry.js'), '')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('install writes kernelspec, three logos and the extension with its install note', () => {
  const target = join(folder, 'jupyter')
  install(target, built)
  assert.deepEqual(readdirSync(join(target, 'kernels/riffle')).sort(), [
    'kernel.json',
    'logo-32x32.png',
    'logo-64x64.png',
    'logo-svg.svg',
  ])
  assert.deepEqual(readdirSync(join(target, 'labextensions/@riffle/jupyterlab')).sort(), [
    'install.json',
    'package.json',
    'static',
  ])
  const spec = JSON.parse(readFileSync(join(target, 'kernels/riffle/kernel.json'), 'utf8')) as Record<string, unknown>
  assert.equal(spec['display_name'], 'Riffle (TypeScript)')
  assert.equal(spec['language'], 'typescript')
  assert.equal(spec['interrupt_mode'], 'message')
  assert.deepEqual((spec['argv'] as string[]).at(-1), '{connection_file}')
  assert.equal((spec['argv'] as string[])[0], process.execPath)
})

test('install replaces what an earlier one left', () => {
  const target = join(folder, 'jupyter')
  install(target, built)
  writeFileSync(join(target, 'labextensions/@riffle/jupyterlab/static/old.js'), '')
  install(target, built)
  assert.deepEqual(readdirSync(join(target, 'labextensions/@riffle/jupyterlab/static')), ['remoteEntry.js'])
})

test('uninstall leaves nothing of ours and everything of others', () => {
  const target = join(folder, 'jupyter')
  mkdirSync(join(target, 'kernels/python3'), { recursive: true })
  install(target, built)
  assert.equal(uninstall(target), true)
  assert.deepEqual(readdirSync(target), ['kernels'])
  assert.deepEqual(readdirSync(join(target, 'kernels')), ['python3'])
})

test('uninstall where nothing was installed says so and changes nothing', () => {
  const target = join(folder, 'jupyter')
  assert.equal(uninstall(target), false)
  assert.equal(existsSync(target), false)
})

test('a kernelspec that is no JSON reads as none', () => {
  const target = join(folder, 'jupyter')
  mkdirSync(join(target, 'kernels/riffle'), { recursive: true })
  writeFileSync(join(target, 'kernels/riffle/kernel.json'), '{')
  assert.equal(readKernelspec(target), undefined)
})
