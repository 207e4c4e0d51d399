/**
 * A partial match. A run is at the same time the last link of a chain of taken events: links never change what they took, so
 * runs that branched share what they have in common, and a chain nobody holds is gone by itself.
 */
export class TakenEvent {
  readonly row: unknown
  readonly eventTimeMs: number
  /** Place in the order in which events are looked at. */
  readonly order: number

  constructor(row: unknown, eventTimeMs: number, order: number) {
    this.row = row
    this.eventTimeMs = eventTimeMs
    this.order = order
  }
}

/** Definitions are at most 30. */
const STEP_BITS = 5
const STEP_MASK = (1 << STEP_BITS) - 1

export class Run {
  readonly prev: Run | undefined
  readonly event: TakenEvent
  readonly first: TakenEvent
  /** Events taken so far. */
  readonly length: number
  /** The next run of the same key, in the order of their first events. */
  next: Run | undefined = undefined
  private code: number

  constructor(prev: Run | undefined, event: TakenEvent, step: number, state: number) {
    this.prev = prev
    this.event = event
    this.first = prev === undefined ? event : prev.first
    this.length = prev === undefined ? 1 : prev.length + 1
    this.code = (state << STEP_BITS) | step
  }

  /** Number of the definition the event was taken for. */
  get step(): number {
    return this.code & STEP_MASK
  }

  get state(): number {
    return this.code >> STEP_BITS
  }

  /** A run that passes an event over may change its state: whoever branched off it looks at its events only. */
  set state(state: number) {
    this.code = (state << STEP_BITS) | (this.code & STEP_MASK)
  }

  /** The same events in another state. */
  twin(state: number): Run {
    return new Run(this.prev, this.event, this.step, state)
  }

  /** Rows taken, by definition, oldest first. */
  rowsByStep(count: number): unknown[][] {
    const rows: unknown[][] = []
    for (let i = 0; i < count; i++) rows.push([])
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- a walk along the chain begins here
    for (let link: Run | undefined = this; link !== undefined; link = link.prev) {
      ;(rows[link.step] as unknown[]).push(link.event.row)
    }
    for (const list of rows) if (list.length > 1) list.reverse()
    return rows
  }

  /** Orders of the events taken for one definition, oldest first. */
  ordersOf(step: number): number[] {
    const orders: number[] = []
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- a walk along the chain begins here
    for (let link: Run | undefined = this; link !== undefined; link = link.prev) {
      if (link.step === step) orders.push(link.event.order)
    }
    return orders.reverse()
  }
}
