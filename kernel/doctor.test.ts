import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { checkBuild, checkInstalled, checkJupyter, checkNode, checkPlatform, describe } from './doctor.ts'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'riffle-doctor-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function writeKernelspec(dataFolder: string, argv: readonly string[]): void {
  mkdirSync(join(dataFolder, 'kernels/riffle'), { recursive: true })
  writeFileSync(join(dataFolder, 'kernels/riffle/kernel.json'), JSON.stringify({ argv }))
}

function writeExtension(dataFolder: string, version: string): void {
  mkdirSync(join(dataFolder, 'labextensions/@riffle/jupyterlab'), { recursive: true })
  writeFileSync(join(dataFolder, 'labextensions/@riffle/jupyterlab/package.json'), JSON.stringify({ version }))
}

test('Node 20.19 is the oldest that passes', () => {
  assert.equal(checkNode('20.19.0').state, 'ok')
  assert.equal(checkNode('24.0.0').state, 'ok')
  assert.equal(checkNode('20.18.3').state, 'problem')
  assert.equal(checkNode('18.20.0').state, 'problem')
})

test('Windows without WSL is a problem, WSL is Linux', () => {
  assert.equal(checkPlatform({ platform: 'win32', env: {}, home: '' }).state, 'problem')
  assert.equal(
    checkPlatform({ platform: 'linux', env: { WSL_DISTRO_NAME: 'Ubuntu' }, home: '' }).text,
    'Linux under Windows (WSL)',
  )
  assert.equal(checkPlatform({ platform: 'darwin', env: {}, home: '' }).state, 'ok')
})

test('JupyterLab below 4.4 is a problem, an unsafe jupyter_server a warning', () => {
  const states = (lab: string | undefined, server: string | undefined) =>
    checkJupyter({ whose: 'your Jupyter', lab, server }).map(each => each.state)
  assert.deepEqual(states('4.6.4', '2.21.1'), ['ok'])
  assert.deepEqual(states('4.3.8', '2.20.0'), ['problem'])
  assert.deepEqual(states('4.4.0', '2.19.9'), ['ok', 'warning'])
  assert.deepEqual(states(undefined, undefined), ['ok'])
  assert.deepEqual(checkJupyter({ whose: 'private Jupyter', lab: undefined, server: undefined })[0]?.state, 'problem')
})

test('a kernel that was not built is a problem with advice', () => {
  assert.equal(checkBuild(join(folder, 'main.js')).state, 'problem')
  writeFileSync(join(folder, 'main.js'), '')
  assert.equal(checkBuild(join(folder, 'main.js')).state, 'ok')
})

test('a kernelspec whose Node is gone is a problem', () => {
  writeKernelspec(folder, ['/no/such/node', join(folder, 'main.js')])
  writeExtension(folder, '0.1.0')
  const [spec] = checkInstalled('private Jupyter', [folder], 'npm start')
  assert.equal(spec?.state, 'problem')
  assert.match(spec?.text ?? '', /"\/no\/such\/node", which does not exist/)
})

test('a second kernelspec is told as hidden, the first one as foreign when it is not of this clone', () => {
  const other = join(folder, 'other')
  writeFileSync(join(folder, 'main.js'), '')
  writeKernelspec(folder, [process.execPath, join(folder, 'main.js')])
  writeKernelspec(other, [process.execPath, join(folder, 'main.js')])
  writeExtension(folder, '0.0.9')
  const findings = checkInstalled('your Jupyter', [folder, other], 'riffle install')
  assert.deepEqual(
    findings.map(each => each.state),
    ['warning', 'warning', 'warning'],
  )
  assert.match(findings[1]?.text ?? '', /hidden by/)
  assert.match(findings[2]?.text ?? '', /is version 0\.0\.9, the kernel is \d/)
})

test('a kernelspec without extension is a problem, nothing at all only for the private Jupyter', () => {
  assert.deepEqual(
    checkInstalled('private Jupyter', [folder], 'npm start').map(each => each.state),
    ['problem'],
  )
  assert.deepEqual(
    checkInstalled('your Jupyter', [folder], 'riffle install').map(each => each.state),
    ['ok'],
  )
  writeFileSync(join(folder, 'main.js'), '')
  writeKernelspec(folder, [process.execPath, join(folder, 'main.js')])
  assert.equal(checkInstalled('your Jupyter', [folder], 'riffle install').at(-1)?.state, 'problem')
})

test('the report is healthy unless there is a problem, and shows advice below its finding', () => {
  assert.deepEqual(describe([{ title: 'a', state: 'warning', text: 'b', advice: 'c' }]), {
    text: 'warning  a: b\n         c',
    healthy: true,
  })
  assert.equal(describe([{ title: 'a', state: 'problem', text: 'b', advice: 'c' }]).healthy, false)
})
