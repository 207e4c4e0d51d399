/**
 * Where in the user's text a position of running code stands:
 *
 *   generated (V8) → edits → [esbuild's map] → expanded TypeScript → spans of a magic → typed text
 *
 * Maps are made at the first question: a cell that throws nothing pays nothing.
 */
import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping'
import type { SpanMapping } from './protocol.ts'
import type { Transformed } from './transform.ts'

export interface Place {
  /** 1-based, in the typed text. */
  readonly line: number
  readonly column: number
}

/** A script that V8 runs under `fileName`: a cell's run or a local module's. */
export interface Origin {
  readonly fileName: string
  /** Shown in stack traces: `cell-5.ts`, `lib/rates.ts`. */
  readonly label: string
  readonly cellId: string | undefined
  readonly typed: string
  readonly spans: readonly SpanMapping[] | undefined
  readonly transformed: Transformed
  /** Both 1-based, as V8 says them. */
  place(line: number, column: number): Place | undefined
  /** Offset in the text that was parsed. */
  placeOf(offset: number): Place
}

export function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

function placeAt(starts: readonly number[], offset: number): Place {
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((starts[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
}

/** Offset in the expanded text → offset in the typed one; text made by a magic points at the magic's own words. */
export function typedOffset(spans: readonly SpanMapping[] | undefined, offset: number): number {
  if (spans === undefined) return offset
  let nearest = 0
  for (const span of spans) {
    if (offset < span.at) break
    if (offset < span.at + span.length || (offset === span.at + span.length && span.verbatim)) {
      return span.verbatim ? span.typedAt + (offset - span.at) : span.typedAt
    }
    nearest = span.typedAt
  }
  return nearest
}

export interface OriginParts {
  readonly fileName: string
  readonly label: string
  readonly cellId?: string | undefined
  /** TypeScript that was transformed. */
  readonly expanded: string
  readonly typed: string
  readonly spans?: readonly SpanMapping[] | undefined
  readonly transformed: Transformed
}

export function createOrigin(parts: OriginParts): Origin {
  const { transformed, typed, spans, expanded } = parts
  let map: TraceMap | undefined
  let sourceLines: number[] | undefined
  let expandedLines: number[] | undefined
  let typedLines: number[] | undefined

  const fromExpanded = (offset: number): Place => {
    typedLines ??= lineStarts(typed)
    return placeAt(typedLines, typedOffset(spans, offset))
  }
  const fromSource = (line: number, column: number): Place | undefined => {
    const at = transformed.lowered === undefined ? { line, column } : transformed.lowered(line, column)
    if (at === null) return undefined
    expandedLines ??= lineStarts(expanded)
    return fromExpanded((expandedLines[at.line - 1] ?? 0) + at.column)
  }
  return {
    fileName: parts.fileName,
    label: parts.label,
    cellId: parts.cellId,
    typed,
    spans,
    transformed,
    place: (line, column) => {
      map ??= new TraceMap(transformed.edits.generateMap({ hires: 'boundary', source: 'cell' }).toString())
      const shifted = Math.max(0, column - 1 - (line === 1 ? transformed.prefixLength : 0))
      const at = originalPositionFor(map, { line, column: shifted })
      if (at.line === null) return undefined
      sourceLines ??= lineStarts(transformed.source)
      const start = sourceLines[at.line - 1] ?? 0
      const callee = transformed.callees.get(start + at.column)
      return fromSource(at.line, callee === undefined || callee < start ? at.column : callee - start)
    },
    placeOf: offset => {
      if (transformed.lowered === undefined) return fromExpanded(offset)
      sourceLines ??= lineStarts(transformed.source)
      const { line, column } = placeAt(sourceLines, offset)
      return fromSource(line, column - 1) ?? { line: 1, column: 1 }
    },
  }
}

const KEPT = 1_000

/** The scripts that ran, by the name V8 knows them by; a cell run thousands of times forgets its oldest runs. */
export class Origins {
  private readonly byFile = new Map<string, Origin>()
  private counter = 0

  fileName(label: string): string {
    return `riffle:${++this.counter}/${label}`
  }

  add(origin: Origin): void {
    this.byFile.set(origin.fileName, origin)
    const oldest = this.byFile.size > KEPT ? this.byFile.keys().next().value : undefined
    if (oldest !== undefined) this.byFile.delete(oldest)
  }

  find(fileName: string | null | undefined): Origin | undefined {
    return fileName === null || fileName === undefined ? undefined : this.byFile.get(fileName)
  }

  /** Newest first. */
  *newest(): Iterable<Origin> {
    yield* [...this.byFile.values()].reverse()
  }
}
