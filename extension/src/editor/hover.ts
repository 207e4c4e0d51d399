/** What stands under the pointer, in words: the kernel's own inspection, shown beside the text. Text only, nothing is HTML. */
import { hoverTooltip } from '@codemirror/view'
import type { Extension } from '@codemirror/state'

/** Words on what stands at a UTF-16 offset of the text, or null. */
export type Inspect = (code: string, offset: number) => Promise<string | null>

const LONGEST = 2000
const WAIT_MS = 500

export function inspectOnHover(inspect: Inspect): Extension {
  return hoverTooltip(
    async (view, pos) => {
      const line = view.state.doc.lineAt(pos)
      const { from, to } = wordAt(line.text, pos - line.from)
      if (from === to) return null
      const text = await inspect(view.state.doc.toString(), line.from + from + 1)
      if (text === null || text.trim() === '') return null
      return {
        pos: line.from + from,
        end: line.from + to,
        above: true,
        create: () => {
          const dom = document.createElement('pre')
          dom.className = 'riffle-hover'
          dom.textContent = text.slice(0, LONGEST)
          return { dom }
        },
      }
    },
    { hoverTime: WAIT_MS },
  )
}

/** The word around a column, with the signs of a magic or an option before it; empty between words. */
export function wordAt(line: string, column: number): { readonly from: number; readonly to: number } {
  for (const match of line.matchAll(/%{1,2}[a-z][\w-]*|--[\w-]+|[\p{L}_$][\p{L}\p{N}_$]*/gu)) {
    const from = match.index
    const to = from + match[0].length
    if (column >= from && column < to) return { from, to }
  }
  return { from: column, to: column }
}
