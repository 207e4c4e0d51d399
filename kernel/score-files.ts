/** `riffle nab` and `riffle score`: files in, files out. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { nabCorpus } from '../stream/scoring/nab-files.ts'
import { nabProfiles, nabScore } from '../stream/scoring/nab.ts'
import { scoreRows, scoresCsv } from '../stream/scoring/score-rows.ts'
import type { ScoreRowsOptions } from '../stream/scoring/score-rows.ts'
import type { NabProfile, NabResult } from '../stream/scoring/nab.ts'

/** The report for a folder of score files and a file of labelled windows, one line per profile; notices go to `tell`. */
export function nabReport(folder: string, labelsFile: string, tell: (notice: string) => void): string {
  const csvs = new Map(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter(path => path.endsWith('.csv'))
      .sort()
      .map(path => [path.split(sep).join('/'), readFileSync(join(folder, path), 'utf8')]),
  )
  const { files, unlabelled } = nabCorpus(csvs, readFileSync(labelsFile, 'utf8'))
  for (const path of unlabelled) tell(`${path} is left out: no label names it`)
  const rows = (Object.keys(nabProfiles) as NabProfile[]).map(profile => cellsOf(nabScore(files, profile)))
  const table = [['profile', 'score', 'threshold', 'found', 'false alerts'], ...rows]
  const widths = table[0]!.map((_, column) => Math.max(...table.map(row => row[column]!.length)))
  return table
    .map(
      row =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

function cellsOf({ profile, score, threshold, found, windows, falseAlerts }: NabResult): readonly string[] {
  const shown = Number.isFinite(threshold) ? String(threshold) : 'none'
  return [profile, score.toFixed(3), shown, `${found} of ${windows}`, String(falseAlerts)]
}

/** Scores a file of JSON lines into a CSV of one line per row; returns what to tell. */
export function scoreFile(from: string, to: string, options: ScoreRowsOptions): string {
  const scores = scoreRows(readFileSync(from, 'utf8'), options)
  writeFileSync(to, scoresCsv(scores))
  return `${scores.length} rows scored, ${scores.filter(score => score.anomalous).length} anomalous: ${to}\n`
}
