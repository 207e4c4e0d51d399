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

/**
 * A chart is told while its stream is, a cell while one of its charts is: who would be asked for the chart of a stream that was
 * stopped? The stream may begin again, and its charts with it.
 */
export class Recall {
  private readonly tell: (key: string, value: Remembered | undefined) => void
  private readonly entries = new Map<string, Remembered>()
  private readonly told = new Set<string>()
  private on = false

  constructor(tell: (key: string, value: Remembered | undefined) => void) {
    this.tell = tell
  }

  keep(value: Remembered): void {
    const key = keyOf(value)
    // The newest comes last: a stream started again stands behind those it reads.
    this.entries.delete(key)
    this.entries.set(key, value)
    if (this.isOfUse(value)) this.inform(key, value)
    this.settle()
  }

  drop(kind: Remembered['kind'], name: string): void {
    this.entries.delete(`${kind} ${name}`)
    this.settle()
  }

  switch(on: boolean): void {
    this.on = on
    this.settle()
  }

  /** Tells what is not told yet, and what is of no use any more. */
  private settle(): void {
    for (const key of this.told) {
      const value = this.entries.get(key)
      if (value !== undefined && this.isOfUse(value)) continue
      this.told.delete(key)
      this.tell(key, undefined)
    }
    for (const [key, value] of this.entries) {
      if (!this.told.has(key) && this.isOfUse(value)) this.inform(key, value)
    }
  }

  private inform(key: string, value: Remembered): void {
    this.told.add(key)
    this.tell(key, value)
  }

  private isOfUse(value: Remembered | undefined): boolean {
    if (!this.on || value === undefined) return false
    if (value.kind === 'chart') return this.entries.has(`stream ${value.stream}`)
    if (value.kind === 'cell') return value.chartIds.some(id => this.isOfUse(this.entries.get(`chart ${id}`)))
    return true
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
