import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { nabReport, scoreFile } from './score-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'riffle-scores-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('riffle nab reads score files of all folders below and tells what it left out', () => {
  const minute = (i: number) => `2014-04-10 00:${String(i).padStart(2, '0')}:00`
  const csv = (alert: number) =>
    ['timestamp,score', ...Array.from({ length: 20 }, (_, i) => `${minute(i)},${i === alert ? 1 : 0}`)].join('\n')
  mkdirSync(join(folder, 'scores', 'group'), { recursive: true })
  writeFileSync(join(folder, 'scores', 'group', 'a.csv'), csv(12))
  writeFileSync(join(folder, 'scores', 'summary.csv'), csv(3))
  writeFileSync(join(folder, 'labels.json'), JSON.stringify({ 'group/a.csv': [[minute(10), minute(14)]] }))
  const told: string[] = []
  const report = nabReport(join(folder, 'scores'), join(folder, 'labels.json'), text => told.push(text))
  assert.deepEqual(report.split('\n'), [
    'profile   score   threshold  found   false alerts',
    'standard  95.871  1          1 of 1  0',
    'low-fp    95.871  1          1 of 1  0',
    'low-fn    97.248  1          1 of 1  0',
    '',
  ])
  assert.deepEqual(told, ['summary.csv is left out: no label names it'])
})

test('riffle score writes a line per row', () => {
  const [rows, scores] = [join(folder, 'rows.jsonl'), join(folder, 'scores.csv')]
  const values = [0, 10, 5, 5, 15]
  writeFileSync(rows, values.map((value, i) => `{"at":${i},"value":${value}}\n`).join(''))
  const told = scoreFile(rows, scores, { detector: 'range', time: 'at', warmUp: 4 })
  assert.equal(told, `5 rows scored, 1 anomalous: ${scores}\n`)
  assert.equal(
    readFileSync(scores, 'utf8'),
    'row,value,oneIn,anomalous\n0,0,1,false\n1,0,1,false\n2,0,1,false\n3,0,1,false\n4,0.5,9,true\n',
  )
})
