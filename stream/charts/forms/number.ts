import { defaultY, frame } from '../encodings.ts'
import { defineForm } from './form.ts'

/** The newest value, large. */
export const number = defineForm({
  mark: 'number',
  label: 'Number',
  plainRows: 1,
  spec(request) {
    const field = defaultY(request, undefined)
    if (field === undefined) return null
    return {
      ...frame(request),
      height: 120,
      mark: { type: 'text', fontSize: 48, fontWeight: 300, align: 'center', baseline: 'middle' },
      encoding: { text: { field, type: 'quantitative', format: ',.6~g' } },
    }
  },
})
