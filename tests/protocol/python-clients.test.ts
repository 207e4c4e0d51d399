/** Programs of the Jupyter project that are not ours: its kernel test suite and nbclient. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runPython } from './python-client.ts'

test('jupyter_kernel_test passes with every attribute filled in', async () => {
  const { status, stderr } = await runPython(['-m', 'unittest', '-v', 'kernel_suite'], 50_000)
  assert.equal(status, 0, stderr)
  assert.match(stderr, /^Ran 13 tests in /m)
  assert.doesNotMatch(stderr, /skipped/)
})

for (const count of [3000, 20_000]) {
  test(`nbclient saves all of ${count} printed lines, in order`, async () => {
    const { status, stdout, stderr } = await runPython(['printed_lines.py', String(count)], 50_000)
    assert.equal(status, 0, stderr)
    const { lines, ordered } = JSON.parse(stdout) as { lines: number; ordered: boolean }
    assert.deepEqual({ lines, ordered }, { lines: count, ordered: true })
  })
}
