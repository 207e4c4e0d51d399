/**
 * The histories of several topics in one order, whichever is read faster: by the second of the record's own timestamp, within a
 * second by the topic's place in the plan. Inside one topic the reader's order stands (smallest timestamp, then partition).
 * It ends where a topic's history ends: what comes live is handled as it comes, and the journal keeps that order.
 */
const SECOND_MS = 1000

interface Slot {
  state: 'reading' | 'waiting' | 'over'
  second: number
  go: () => void
}

export class HistoryMerge {
  private readonly slots: Slot[]

  constructor(count: number) {
    this.slots = Array.from({ length: count }, () => ({ state: 'reading', second: 0, go: () => {} }))
  }

  /** No other topic is in its history any more: order is free. */
  isAlone(index: number): boolean {
    return this.slots.every((slot, i) => i === index || slot.state === 'over')
  }

  secondOf(timestampMs: number): number {
    return Math.floor(timestampMs / SECOND_MS)
  }

  /** Resolves when records of this second are next; until the next call the topic holds the others up. */
  turn(index: number, second: number): Promise<void> {
    const slot = this.slots[index] as Slot
    if (slot.state === 'over') return Promise.resolve()
    return new Promise(resolve => {
      slot.state = 'waiting'
      slot.second = second
      slot.go = resolve
      this.choose()
    })
  }

  /** The topic's history is over, or it is not read any more. */
  over(index: number): void {
    const slot = this.slots[index] as Slot
    if (slot.state === 'over') return
    slot.state = 'over'
    slot.go()
    this.choose()
  }

  private choose(): void {
    if (this.slots.some(slot => slot.state === 'reading')) return
    let next: Slot | undefined
    for (const slot of this.slots) {
      if (slot.state === 'waiting' && (next === undefined || slot.second < next.second)) next = slot
    }
    if (next === undefined) return
    next.state = 'reading'
    next.go()
  }
}
