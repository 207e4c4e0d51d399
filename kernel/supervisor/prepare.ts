/** What becomes of a cell before it runs: magics are expanded, types are checked. */
import type { CellError, SpanMapping } from '../cells/protocol.ts'

export interface PreparedCell {
  readonly source: string
  readonly spans?: readonly SpanMapping[] | undefined
  /** Shown before the cell's own output. */
  readonly notices: readonly { readonly name: 'stdout' | 'stderr'; readonly text: string }[]
  /** Why it does not run. */
  readonly error?: CellError | undefined
}
