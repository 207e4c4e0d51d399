import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { History, historyFile } from './history.ts'

const root = mkdtempSync(join(tmpdir(), 'riffle-history-'))
after(() => rmSync(root, { recursive: true, force: true }))

const freshFile = () => join(mkdtempSync(join(root, 'each-')), 'below', 'history.jsonl')
const inputs = (history: History, request: Record<string, unknown>) =>
  history.answer(request).map(row => row.slice(0, 3))

test('the next kernel knows what the last one ran, under the session of that time', () => {
  const file = freshFile()
  const first = new History(file)
  first.add(1, 'const a = 1')
  first.add(2, 'a')
  first.output(2, '1')
  const second = new History(file)
  second.add(1, 'a + 1')
  assert.deepEqual(inputs(second, { hist_access_type: 'tail', n: 2 }), [
    [1, 2, 'a'],
    [2, 1, 'a + 1'],
  ])
  assert.deepEqual(inputs(second, { hist_access_type: 'range', session: -1, start: 1, stop: 2 }), [
    [1, 1, 'const a = 1'],
  ])
  assert.deepEqual(inputs(second, { hist_access_type: 'range', session: 0 }), [[2, 1, 'a + 1']])
  assert.deepEqual(inputs(second, { hist_access_type: 'search', pattern: 'const*' }), [[1, 1, 'const a = 1']])
})

test('two kernels at once have a session each', () => {
  const file = freshFile()
  const [one, other] = [new History(file), new History(file)]
  assert.deepEqual([one.session, other.session], [1, 2])
})

test('a line cut short by a crash is left out, the rest stays', () => {
  const file = freshFile()
  new History(file).add(1, 'whole')
  appendFileSync(file, '[1,2,"cut')
  const later = new History(file)
  assert.deepEqual(inputs(later, { hist_access_type: 'tail', n: 5 }), [[1, 1, 'whole']])
})

test('only the owner reads the file, and it does not grow for ever', () => {
  const file = freshFile()
  new History(file).add(1, 'secret')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  writeFileSync(file, Array.from({ length: 20_001 }, (_, i) => `[1,${i + 1},"x${i}"]\n`).join(''))
  const later = new History(file)
  assert.deepEqual(inputs(later, { hist_access_type: 'tail', n: 1 }), [[1, 20_001, 'x20000']])
  assert.equal(readFileSync(file, 'utf8').split('\n').length, 10_002)
})

test('a folder that cannot be written fails no cell', () => {
  const file = freshFile()
  new History(file).add(1, 'a')
  // A file where a folder should be.
  const history = new History(join(file, 'history.jsonl'))
  history.add(1, 'a')
  assert.deepEqual(inputs(history, { hist_access_type: 'tail', n: 1 }), [[1, 1, 'a']])
})

test('where it is kept', () => {
  assert.equal(historyFile({ RIFFLE_HISTORY: '/x/h' }), '/x/h')
  assert.equal(historyFile({ RIFFLE_HISTORY: '' }), undefined)
  assert.equal(historyFile({ XDG_STATE_HOME: '/s' }), '/s/riffle/history.jsonl')
  assert.match(historyFile({}) ?? '', /\.local\/state\/riffle\/history\.jsonl$/)
})
