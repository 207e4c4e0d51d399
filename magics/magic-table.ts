/** Finds a magic by what was typed; what is not there is refused with the nearest name. */
import type { MagicDefinition } from './define.ts'
import { nearest, title, usageOf } from './header.ts'
import type { MagicPart } from './split.ts'
import { UsageError } from './usage-error.ts'

export class MagicTable {
  readonly names: readonly string[]
  private readonly byName: ReadonlyMap<string, MagicDefinition>

  constructor(magics: readonly MagicDefinition[]) {
    this.names = magics.map(magic => magic.name)
    this.byName = new Map(magics.map(magic => [magic.name, magic]))
  }

  get(name: string): MagicDefinition | undefined {
    return this.byName.get(name)
  }

  /** `%topic create|delete|describe|log|alter` is `%topics …`; a topic of that name stands behind `--`. */
  of(part: MagicPart, cell: string): MagicDefinition {
    const found = this.byName.get(part.name)
    if (found?.name === 'topic' && part.kind === 'line' && TOPICS_ACTION.test(part.rest.text)) {
      return this.byName.get('topics') ?? found
    }
    if (found?.kind === part.kind) return found
    if (found !== undefined) {
      const message = `${part.nameSpan.text} is not a ${part.kind} magic, ${title(found)} is one`
      throw new UsageError(message, { cell, ...part.nameSpan, hint: title(found), usage: usageOf(found) })
    }
    const near = this.byName.get(nearest(part.name, this.names) ?? '')
    const start = part.name === '' ? 'A magic has a name' : `There is no magic ${part.nameSpan.text}`
    throw new UsageError(near === undefined ? start : `${start}, did you mean ${title(near)}`, {
      cell,
      ...part.nameSpan,
      hint: near === undefined ? '%lsmagic' : title(near),
      usage: near === undefined ? undefined : usageOf(near),
    })
  }
}

const TOPICS_ACTION = /^\s+(?:create|delete|describe|log|alter)(?:\s|$)/
