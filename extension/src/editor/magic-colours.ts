/** Colours of magic lines in cells of TypeScript: what the language's own mode takes for arithmetic is drawn as what it is. */
import { RangeSetBuilder } from '@codemirror/state'
import { Decoration, ViewPlugin } from '@codemirror/view'
import { magicTokens } from './magic-tokens.ts'
import type { DecorationSet, EditorView, ViewUpdate } from '@codemirror/view'
import type { Extension } from '@codemirror/state'
import type { TokenKind } from './magic-tokens.ts'

const MARKS: Readonly<Record<TokenKind, Decoration>> = {
  magic: Decoration.mark({ class: 'riffle-cm-magic' }),
  option: Decoration.mark({ class: 'riffle-cm-option' }),
  value: Decoration.mark({ class: 'riffle-cm-value' }),
  string: Decoration.mark({ class: 'riffle-cm-string' }),
  end: Decoration.mark({ class: 'riffle-cm-option' }),
}

export function magicColours(): Extension {
  return ViewPlugin.fromClass(
    class {
      decorations: DecorationSet

      constructor(view: EditorView) {
        this.decorations = decorationsOf(view)
      }

      update(update: ViewUpdate): void {
        if (update.docChanged || update.viewportChanged) this.decorations = decorationsOf(update.view)
      }
    },
    { decorations: plugin => plugin.decorations },
  )
}

/** Only what is in sight is looked at. */
function decorationsOf(view: EditorView): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>()
  for (const { from, to } of view.visibleRanges) {
    for (let at = from; at <= to;) {
      const line = view.state.doc.lineAt(at)
      for (const token of magicTokens(line.text))
        builder.add(line.from + token.from, line.from + token.to, MARKS[token.kind])
      at = line.to + 1
    }
  }
  return builder.finish()
}
