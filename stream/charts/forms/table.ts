import { defineForm } from './form.ts'

/** The rows themselves, newest first: drawn by the Table tab, not by Vega. */
export const table = defineForm({ mark: 'table', label: 'Table', plainRows: 200, spec: () => null })
