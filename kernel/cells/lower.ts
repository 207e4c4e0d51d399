/** TypeScript that makes code (enum, namespace, parameter properties, decorators, `using`) → JavaScript of this Node, with a map. */
import { createRequire } from 'node:module'
import type * as esbuild from 'esbuild'
import MagicString from 'magic-string'
import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping'
import type { Node } from './syntax.ts'

export interface LineMap {
  /** 1-based line and 0-based column of the made text → the same of the typed text; null where nothing typed stands behind. */
  (line: number, column: number): { readonly line: number; readonly column: number } | null
}

/**
 * `result` is the expression the cell shows. esbuild moves code into a `try` when it lowers `using`, so the expression is marked
 * by a call that survives the move.
 */
export function lower(source: string, result: Node | undefined): { readonly code: string; readonly map: LineMap } {
  const marked = new MagicString(source)
  if (result !== undefined) {
    marked.appendRight(result.start, 'import.meta.result(')
    marked.appendLeft(result.end, ')')
  }
  // Loaded at the first need: it costs 40 ms and 8 MB, and few cells need it.
  const { transformSync } = createRequire(import.meta.url)('esbuild') as typeof esbuild
  const made = transformSync(marked.toString(), {
    loader: 'ts',
    target: 'node20.19',
    format: 'esm',
    sourcemap: 'external',
    sourcefile: 'cell.ts',
    logLevel: 'silent',
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true, useDefineForClassFields: true } },
  })
  const outer = new TraceMap(made.map)
  const inner = new TraceMap(marked.generateMap({ hires: 'boundary', source: 'cell.ts' }).toString())
  return {
    code: made.code,
    map: (line, column) => {
      const at = originalPositionFor(outer, { line, column })
      if (at.line === null) return null
      const typed = originalPositionFor(inner, { line: at.line, column: at.column })
      return typed.line === null ? null : { line: typed.line, column: typed.column }
    },
  }
}
