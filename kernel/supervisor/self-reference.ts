/** A cell that reads the stream it declares (`const orders = orders.filter(…)`): cells refuse it with one readable error. */
import type { NotebookName } from '../cells/protocol.ts'
import { declaredNames } from '../types/declared.ts'

/**
 * True when types need not be asked: what they would say of such a cell (used before its declaration, implicitly any, …) hides what is
 * wrong with it.
 */
export async function readsOwnStream(source: string, names: readonly NotebookName[]): Promise<boolean> {
  const declared = declaredNames(source)
  const streams = names.filter(one => one.kind === 'stream' && declared?.has(one.name) === true)
  if (streams.length === 0) return false
  // Loaded with the first cell that declares a running stream again.
  const { transform } = await import('../cells/transform.ts')
  const { readsBeforeDeclaration } = transform(source, { isGlobal: () => false })
  return streams.some(one => readsBeforeDeclaration.has(one.name))
}
