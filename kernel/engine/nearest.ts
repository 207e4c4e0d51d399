/** `Did you mean "x"? ` or nothing. */
import { nearestNames } from '../../stream/connectors/nearest-names.ts'

export function nearest(typed: string, names: readonly string[]): string {
  const near = nearestNames(typed, names, 1)[0]
  return near === undefined ? '' : `Did you mean "${near}"? `
}
