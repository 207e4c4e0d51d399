/** Labels that a reader brushes on charts: a file per source beside the notebook, the same that `labels()` of a cell reads and writes. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { Labels } from './labels.ts'

export interface FileLabels {
  readonly file: string
  readonly ranges: readonly (readonly [fromMs: number, toMs: number])[]
}

interface Kept {
  /** Changed and size, so that what a cell writes meanwhile is seen. */
  readonly mark: string
  readonly labels: FileLabels
}

export class LabelFiles {
  private readonly folder: string
  private readonly kept = new Map<string, Kept>()

  /** Default: where the notebook runs. */
  constructor(folder = '.') {
    this.folder = folder
  }

  /** Those of a source; none when the file is not there, or is no file of labels. */
  of(source: string): FileLabels {
    const file = labelFile(source)
    const path = join(this.folder, file)
    const mark = markOf(path)
    const known = this.kept.get(file)
    if (known?.mark === mark) return known.labels
    const labels = { file, ranges: rangesOf(path) }
    this.kept.set(file, { mark, labels })
    return labels
  }

  /** @throws StreamError SCORE_INVALID when the file holds something else */
  set(source: string, { fromMs, toMs, on }: { fromMs: number; toMs: number; on: boolean }): void {
    const labels = new Labels(join(this.folder, labelFile(source)))
    if (on) labels.add(fromMs, toMs)
    else labels.remove(fromMs)
    this.kept.delete(labelFile(source))
  }
}

/** `sensors.labels.json`. */
export function labelFile(source: string): string {
  return `${source.replace(/[^\w.-]/g, '_')}.labels.json`
}

function rangesOf(file: string): FileLabels['ranges'] {
  try {
    return new Labels(file).list.map(({ fromMs, toMs }) => [fromMs, toMs] as const)
  } catch {
    // A chart shows what it can; who labels is told.
    return []
  }
}

function markOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false })
  return stat === undefined ? '' : `${stat.mtimeMs} ${stat.size}`
}
