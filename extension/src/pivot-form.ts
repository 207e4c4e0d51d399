/** The controls of the cross table: off, or which column goes down, across and into the cells. */
import { PIVOT_WAYS } from '../../stream/charts/pivot.ts'
import type { ChartColumn } from '../../stream/charts/protocol.ts'
import type { PivotWay, PivotWish } from '../../stream/charts/pivot.ts'

export interface PivotForm {
  readonly element: HTMLElement
  /** Null: the plain table is shown. */
  readonly wish: PivotWish | null
  /** The columns there are now. */
  offer(columns: readonly ChartColumn[]): void
}

export function makePivotForm(changed: () => void): PivotForm {
  const element = Object.assign(document.createElement('span'), { className: 'riffle-pivot' })
  const toggle = Object.assign(document.createElement('button'), {
    type: 'button' as const,
    textContent: 'Pivot',
    className: 'riffle-button',
    title: 'One column down, one across, a third in the cells',
  })
  const fields = Object.assign(document.createElement('span'), { hidden: true })
  const [down, across, value, way] = ['Down', 'Across', 'Values', 'Combined by'].map(label => {
    const select = document.createElement('select')
    const text = document.createElement('label')
    text.append(`${label} `, select)
    fields.append(text)
    select.addEventListener('change', changed)
    return select
  }) as [HTMLSelectElement, HTMLSelectElement, HTMLSelectElement, HTMLSelectElement]
  fillSelect(way, PIVOT_WAYS, 'sum')
  element.append(toggle, fields)
  element.addEventListener('keydown', event => event.stopPropagation())
  let offered = ''
  toggle.setAttribute('aria-pressed', 'false')
  toggle.addEventListener('click', () => {
    fields.hidden = !fields.hidden
    toggle.setAttribute('aria-pressed', String(!fields.hidden))
    changed()
  })
  return {
    element,
    get wish() {
      if (fields.hidden || down.value === '') return null
      return { down: down.value, across: across.value, value: value.value, way: way.value as PivotWay }
    },
    offer(columns) {
      const names = columns.map(({ name }) => name)
      if (names.join('\n') === offered) return
      offered = names.join('\n')
      const texts = columns.filter(({ kind }) => kind === 'text' || kind === 'boolean').map(({ name }) => name)
      const numbers = columns.filter(({ kind }) => kind === 'number').map(({ name }) => name)
      const times = columns.filter(({ kind }) => kind === 'instant').map(({ name }) => name)
      fillSelect(down, names, down.value || (times[0] ?? names[0] ?? ''))
      fillSelect(across, names, across.value || (texts[0] ?? names[1] ?? names[0] ?? ''))
      fillSelect(value, names, value.value || (numbers[0] ?? names[0] ?? ''))
    },
  }
}

function fillSelect(select: HTMLSelectElement, values: readonly string[], chosen: string): void {
  select.replaceChildren(
    ...values.map(value => Object.assign(document.createElement('option'), { value, textContent: value })),
  )
  select.value = values.includes(chosen) ? chosen : (values[0] ?? '')
}
