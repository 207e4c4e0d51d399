/**
 * What whoever runs the user's code knows about a function of a notebook: its text and the names it reads from outside.
 * The cells process fills this in (it saw the text when it ran the cell); `ship.ts` turns it into a value that travels.
 */
import type { LambdaSite } from '../plan.ts'

export interface CaptureInfo {
  readonly kind: 'function' | 'class'
  /** Erased JavaScript of the expression, names as the user wrote them; its lines are those of the typed text. */
  readonly text: string
  /** Names read from outside (notebook names, enclosing locals, imports, API names), not globals of the language. */
  readonly names: readonly string[]
  /** Value of such a name at this moment; throws what reading it throws. */
  read(name: string): unknown
  origin(name: string): NameOrigin
  /** Outside names the text assigns to (`=`, `+=`, `++`, destructuring), with typed positions, 1-based. */
  readonly assigned: readonly { readonly name: string; readonly line: number; readonly column: number }[]
  readonly site: LambdaSite
}

export type NameOrigin =
  /** `local`: of an enclosing function or a module, not a variable of the notebook. */
  | { readonly kind: 'value'; readonly local?: boolean }
  | {
      readonly kind: 'import'
      readonly specifier: string
      readonly imported: string | '*' | 'default'
      readonly from: string
    }
  | { readonly kind: 'api'; readonly name: string }

/** Objects of Riffle that a lambda may meet say what they are by these keys; the value is the param's or stream's name. */
export const PARAM_BRAND: unique symbol = Symbol.for('riffle.param') as never
export const STREAM_BRAND: unique symbol = Symbol.for('riffle.stream') as never
