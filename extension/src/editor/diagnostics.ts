/**
 * Mistakes underlined while one types: the kernel reads the text as it would before running it, and runs nothing. Only a text that
 * somebody has edited is asked about: in a notebook just opened, names of cells that have not run would all be unknown.
 */
import { linter } from '@codemirror/lint'
import { EditorView } from '@codemirror/view'
import type { Diagnostic } from '@codemirror/lint'
import type { Extension } from '@codemirror/state'
import type { EditorProblem } from './problem-asker.ts'

/** What is wrong with a text; null where nobody can tell. */
export type Check = (code: string) => Promise<readonly EditorProblem[] | null>

const WAIT_MS = 500
const LONGEST = 600

export function underlineMistakes(check: Check): Extension {
  const edited = new WeakSet<EditorView>()
  return [
    EditorView.updateListener.of(({ docChanged, transactions, view }) => {
      if (
        docChanged &&
        transactions.some(each => ['input', 'delete', 'undo', 'redo', 'move'].some(kind => each.isUserEvent(kind)))
      )
        edited.add(view)
    }),
    linter(
      async view => {
        if (!edited.has(view)) return []
        const { doc } = view.state
        const problems = (await check(doc.toString())) ?? []
        return problems.map(problem => diagnosticOf(problem, doc.length))
      },
      { delay: WAIT_MS },
    ),
  ]
}

/** CodeMirror shows the message as text. */
function diagnosticOf({ from, to, message, level }: EditorProblem, length: number): Diagnostic {
  const start = Math.min(from, length)
  return { from: start, to: Math.min(Math.max(to, start), length), message: message.slice(0, LONGEST), severity: level }
}
