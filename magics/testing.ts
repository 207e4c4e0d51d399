/** What tests of magics share: a notebook with a few streams and topics. */
import type { ExpandContext } from './define.ts'
import { DefaultNames, expandCell, UsageError } from './index.ts'

export interface Notebook {
  readonly streams?: Readonly<Record<string, readonly string[]>>
  readonly topics?: Readonly<Record<string, readonly string[]>>
  readonly names?: readonly string[]
  readonly cellId?: string
  readonly defaultNames?: DefaultNames
}

export function contextOf(notebook: Notebook = {}): ExpandContext {
  const cellId = notebook.cellId ?? 'cell-a'
  const streams = notebook.streams ?? { orders: ['orderId', 'region', 'amount'], payments: ['orderId', 'card'] }
  return {
    cellId,
    streams: new Map(Object.entries(streams).map(([name, columns]) => [name, { columns, cellId: undefined }])),
    topics: new Map(Object.entries(notebook.topics ?? { embedded: ['orders', 'payments', 'clicks', 'orders.v1'] })),
    names: new Set(notebook.names ?? ['orders', 'payments']),
    defaultName: (notebook.defaultNames ?? new DefaultNames()).forCell(cellId),
  }
}

export function expanded(cell: string, notebook: Notebook = {}): string {
  return expandCell(cell, contextOf(notebook)).source
}

/** The lines of the error a cell gives. */
export function refusal(cell: string, notebook: Notebook = {}): readonly string[] {
  try {
    expandCell(cell, contextOf(notebook))
  } catch (error) {
    if (error instanceof UsageError) return error.lines
    throw error
  }
  throw new Error(`no UsageError for ${JSON.stringify(cell)}`)
}
