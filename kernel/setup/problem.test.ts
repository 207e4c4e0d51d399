import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commonProblem, reasonLine } from './problem.ts'

const cases: readonly (readonly [output: string, message: RegExp])[] = [
  ['OSError: [Errno 28] No space left on device', /the disk is full/],
  [
    'NewConnectionError: Failed to establish a new connection: [Errno -2] Name or service not known',
    /check the network/,
  ],
  ['npm error code ENOTFOUND', /check the network/],
]
for (const [output, message] of cases) {
  test(`"${output.slice(0, 30)}" becomes one line that says what to do`, () => {
    const problem = commonProblem('JupyterLab', output)
    assert.match(problem?.message ?? '', message)
    assert.doesNotMatch(problem?.message ?? '\n', /\n/)
  })
}

test('an unknown output is no common problem; its reason is the last line with an error', () => {
  const output = 'Collecting a\nERROR: hashes do not match\nWARNING: something else\n'
  assert.equal(commonProblem('JupyterLab', output), undefined)
  assert.equal(reasonLine(output), 'ERROR: hashes do not match')
  assert.equal(reasonLine(''), 'no output')
})
