/** What cells of a Riffle notebook get beyond a plain editor: colours of magics, words on what the pointer stands on. */
import { EditorExtensionRegistry } from '@jupyterlab/codemirror'
import { inspectOnHover } from './hover.ts'
import { magicColours } from './magic-colours.ts'
import type { CodeEditor } from '@jupyterlab/codeeditor'
import type { IEditorExtensionRegistry } from '@jupyterlab/codemirror'
import type { Inspect } from './hover.ts'

/** Adds to all editors; `inspect` answers for the model of one, and says nothing for cells of other kernels. */
export function addEditorExtensions(
  registry: IEditorExtensionRegistry,
  inspect: (model: CodeEditor.IModel) => Inspect,
): void {
  registry.addExtension({
    name: 'riffle:magics',
    // The language of a cell is told late and roughly (as JavaScript): lines of a magic are known by their own look.
    factory: ({ model }) =>
      EditorExtensionRegistry.createImmutableExtension([
        magicColours(),
        inspectOnHover((code, offset) => inspect(model)(code, offset)),
      ]),
  })
}
