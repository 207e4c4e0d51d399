/**
 * Names of variables: from topics, and without `--as`.
 */
import { API_NAMES } from './api-names.ts'
import { IDENTIFIER, RESERVED } from './values.ts'

/** `orders.v1` → `ordersV1`, `prod:orders` → `orders`; reserved words and names of the API get `_`. */
export function variableName(topic: string): string {
  const plain = topic.slice(topic.indexOf(':') + 1)
  const words = plain.split(/[^\p{ID_Continue}$]+/u).filter(word => word !== '')
  const joined = words.map((word, i) => (i === 0 ? word : word.slice(0, 1).toUpperCase() + word.slice(1))).join('')
  const name = IDENTIFIER.test(joined) ? joined : `_${joined}`
  return RESERVED.has(name) || API_NAMES.includes(name) ? `${name}_` : name
}

/** The variable that STREAM means: its name, or that of the topic bound to it. */
export function looksUp(typed: string, bound: (name: string) => boolean): string | undefined {
  if (IDENTIFIER.test(typed) && bound(typed)) return typed
  const variable = variableName(typed)
  return bound(variable) ? variable : undefined
}

/**
 * Names given without `--as`. A cell keeps its names: run again, its first `ordersWindow` is the same one, and a second cell
 * gets `ordersWindow2`. One instance lives as long as the kernel.
 */
export class DefaultNames {
  private readonly owners = new Map<string, { readonly cellId: string; readonly base: string }>()

  /** One call per expansion; `taken` are variables of the notebook that no magic named. */
  forCell(cellId: string, taken: ReadonlySet<string> = new Set()): (base: string) => string {
    const given = new Map<string, number>()
    return base => {
      const nth = given.get(base) ?? 0
      given.set(base, nth + 1)
      const mine = [...this.owners]
        .filter(([, owner]) => owner.cellId === cellId && owner.base === base)
        .map(([name]) => name)
      const known = mine[nth]
      if (known !== undefined) return known
      for (let count = 1; ; count++) {
        const name = count === 1 ? base : `${base}${count}`
        if (this.owners.has(name) || taken.has(name)) continue
        this.owners.set(name, { cellId, base })
        return name
      }
    }
  }
}
