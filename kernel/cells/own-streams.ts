/** Which streams belong to which cell: a cell run again replaces its own, also those it no longer makes. */
import { previewValue } from '../../stream/lambdas/walk.ts'
import { runtime } from '../../stream/targets/runtime-registry.ts'
import type { StreamSummary } from '../../stream/targets/runtime.ts'
import type { NameScope } from './scope.ts'

export class OwnStreams {
  /** Names that the newest run of a cell made. */
  private readonly made = new Map<string, ReadonlySet<string>>()

  /**
   * After a run that made `made`: stops what an earlier run of the cell made under names that are gone, and gives a line for each.
   */
  async settle(cellId: string, made: ReadonlySet<string>): Promise<readonly string[]> {
    const before = this.made.get(cellId) ?? new Set()
    if (made.size > 0) this.made.set(cellId, made)
    else this.made.delete(cellId)
    if ([...before].every(name => made.has(name))) return []
    const all = await runtime().list()
    const left = all.filter(one => one.cellId === cellId && before.has(one.name) && !made.has(one.name))
    for (const one of left) await runtime().stop(one.name)
    return left.map(one => stoppedLine(one, new Set(left.map(other => other.name))))
  }
}

function stoppedLine({ name, consumers }: StreamSummary, gone: ReadonlySet<string>): string {
  const readers = consumers.filter(reader => !gone.has(reader))
  const still =
    readers.length === 0
      ? ''
      : `; ${readers.map(reader => `"${reader}"`).join(', ')} still ${readers.length === 1 ? 'computes' : 'compute'} from it`
  return `stream "${name}" is stopped: this cell makes it no longer${still}`
}

/** Captured notebook variables of the running streams as they are now, in the words of `StreamSummary.captures`. */
export async function capturedNow(scope: NameScope): Promise<Record<string, string>> {
  const now: Record<string, string> = {}
  for (const { captures } of await runtime().list()) {
    for (const { name, local } of captures) {
      const property = local === true ? undefined : Object.getOwnPropertyDescriptor(scope.values, name)
      if (property === undefined || !('value' in property)) continue
      now[name] = wordsOf(property.value)
    }
  }
  return now
}

function wordsOf(value: unknown): string {
  if (typeof value === 'function') return value.name === '' ? 'a function' : `function ${value.name}`
  try {
    return previewValue(value)
  } catch {
    return 'an object'
  }
}
