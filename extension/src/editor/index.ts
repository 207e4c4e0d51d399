/** What cells of a Riffle notebook get beyond a plain editor: colours of magics, words on what the pointer stands on, mistakes underlined. */
import { EditorExtensionRegistry } from '@jupyterlab/codemirror'
import { underlineMistakes } from './diagnostics.ts'
import { inspectOnHover } from './hover.ts'
import { magicColours } from './magic-colours.ts'
import type { CodeEditor } from '@jupyterlab/codeeditor'
import type { IEditorExtensionRegistry } from '@jupyterlab/codemirror'
import type { Check } from './diagnostics.ts'
import type { Inspect } from './hover.ts'

export interface CellWords {
  readonly inspect: Inspect
  readonly check: Check
}

/** Adds to all editors; `wordsOf` answers for the model of one, and says nothing for cells of other kernels. */
export function addEditorExtensions(
  registry: IEditorExtensionRegistry,
  wordsOf: (model: CodeEditor.IModel) => CellWords,
): void {
  registry.addExtension({
    name: 'riffle:magics',
    // The language of a cell is told late and roughly (as JavaScript): lines of a magic are known by their own look.
    factory: ({ model }) =>
      EditorExtensionRegistry.createImmutableExtension([
        magicColours(),
        inspectOnHover((code, offset) => wordsOf(model).inspect(code, offset)),
        underlineMistakes(code => wordsOf(model).check(code)),
      ]),
  })
}
