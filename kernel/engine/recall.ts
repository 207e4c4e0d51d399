/**
 * What an engine tells its supervisor so that the next engine can begin where this one was killed: connections, params, named
 * streams, charts. It stays in the supervisor's memory (a login must not reach a file), and only while checkpoints are on: without them
 * a stream would begin anew behind the user's back.
 */
import type { ChartOptions } from '../../stream/charts/protocol.ts'
import type { PlanNode } from '../../stream/plan.ts'
import type { CheckpointSettings, ConnectSettings, ParamSpec, StartOptions } from '../../stream/targets/runtime.ts'

export type Remembered =
  | { readonly kind: 'connection'; readonly url: string; readonly settings: ConnectSettings }
  | { readonly kind: 'param'; readonly spec: ParamSpec }
  | { readonly kind: 'checkpoints'; readonly settings: CheckpointSettings }
  | { readonly kind: 'stream'; readonly name: string; readonly plan: PlanNode; readonly options: StartOptions }
  | {
      readonly kind: 'chart'
      readonly chartId: string
      readonly stream: string
      readonly options: ChartOptions
      readonly cellId: string | undefined
    }
  /** Which charts the output of a cell has. */
  | { readonly kind: 'cell'; readonly cellId: string; readonly chartIds: readonly string[] }

/** In which order a new engine is told: what a stream needs comes before it. */
const ORDER: readonly Remembered['kind'][] = ['connection', 'param', 'checkpoints', 'stream', 'chart', 'cell']

export class Recall {
  private readonly tell: (key: string, value: Remembered | undefined) => void
  private readonly entries = new Map<string, Remembered>()
  private on = false

  constructor(tell: (key: string, value: Remembered | undefined) => void) {
    this.tell = tell
  }

  keep(value: Remembered): void {
    const key = keyOf(value)
    // The newest comes last: a stream started again stands behind those it reads.
    this.entries.delete(key)
    this.entries.set(key, value)
    if (this.on) this.tell(key, value)
  }

  drop(kind: Remembered['kind'], name: string): void {
    const key = `${kind} ${name}`
    if (this.entries.delete(key) && this.on) this.tell(key, undefined)
  }

  switch(on: boolean): void {
    if (on === this.on) return
    this.on = on
    for (const [key, value] of this.entries) this.tell(key, on ? value : undefined)
  }
}

function keyOf(value: Remembered): string {
  if (value.kind === 'connection') return `connection ${value.settings.as ?? 'embedded'}`
  if (value.kind === 'param') return `param ${value.spec.name}`
  if (value.kind === 'chart') return `chart ${value.chartId}`
  if (value.kind === 'cell') return `cell ${value.cellId}`
  return value.kind === 'stream' ? `stream ${value.name}` : 'checkpoints '
}

/** As a new engine is to be told. */
export const inOrder = (entries: readonly Remembered[]): Remembered[] =>
  ORDER.flatMap(kind => entries.filter(entry => entry.kind === kind))
