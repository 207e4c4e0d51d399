/** Names of sinks that were given none: one cell run again keeps its name, another cell or a second sink of a program gets its own. */
import type { SinkOptions } from './sink.ts'

interface Running {
  readonly name: string
  readonly cellId: string | undefined
  readonly over: boolean
}

export function sinkName({ name, exact, cellId }: SinkOptions, running: readonly Running[]): string {
  if (exact === true) return name
  const taken = (candidate: string) =>
    running.some(other => other.name === candidate && !other.over && (cellId === undefined || other.cellId !== cellId))
  for (let count = 1; ; count++) {
    const candidate = count === 1 ? name : `${name}${count}`
    if (!taken(candidate)) return candidate
  }
}
