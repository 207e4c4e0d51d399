/** The form with which a reader picks how a chart is drawn. It shows what the cell's header says and hands back what was picked. */
import { CHOICES } from './chart-header.ts'
import { forms } from '../../stream/charts/forms/index.ts'
import type { ChartChoice, ChoiceName } from './chart-header.ts'

export interface Picker {
  readonly element: HTMLElement
  /** Opens with these fields to choose from. */
  open(choice: ChartChoice, fields: readonly string[]): void
  close(): void
  /** Words below the form; null for none. */
  say(problem: string | null): void
}

const LABELS: Readonly<Record<ChoiceName, string>> = { mark: 'Form', x: 'Across', y: 'Up', color: 'Colour' }

export function makePicker(apply: (choice: ChartChoice) => void): Picker {
  const element = Object.assign(document.createElement('form'), { className: 'riffle-picker', hidden: true })
  element.setAttribute('aria-label', 'How the chart is drawn')
  const selects = CHOICES.map(name => {
    const select = document.createElement('select')
    select.name = name
    const label = document.createElement('label')
    label.append(`${LABELS[name]} `, select)
    element.append(label)
    return [name, select] as const
  })
  const submit = button('Write %%chart', 'submit')
  const cancel = button('Cancel', 'button')
  const problem = Object.assign(document.createElement('span'), { className: 'riffle-alert' })
  problem.setAttribute('role', 'status')
  element.append(submit, cancel, problem)
  const close = (): void => {
    element.hidden = true
  }
  cancel.addEventListener('click', close)
  element.addEventListener('submit', event => {
    event.preventDefault()
    const value = (name: ChoiceName): string | null => selects.find(([own]) => own === name)?.[1].value || null
    apply({ mark: value('mark'), x: value('x'), y: value('y'), color: value('color') })
  })
  // Keys typed here are nobody's shortcut.
  element.addEventListener('keydown', event => {
    event.stopPropagation()
    if (event.key === 'Escape') close()
  })
  return {
    element,
    open(choice, fields) {
      for (const [name, select] of selects) {
        const offered =
          name === 'mark'
            ? forms.map(({ mark, label }) => [mark, label] as const)
            : fields.map(field => [field, field] as const)
        select.replaceChildren(option('', 'automatic'), ...offered.map(([value, text]) => option(value, text)))
        const told = choice[name]
        if (told !== null && !offered.some(([value]) => value === told)) select.append(option(told, told))
        select.value = told ?? ''
      }
      problem.textContent = ''
      element.hidden = false
      selects[0]?.[1].focus()
    },
    close,
    say(text) {
      problem.textContent = text ?? ''
    },
  }
}

function option(value: string, text: string): HTMLOptionElement {
  return Object.assign(document.createElement('option'), { value, textContent: text })
}

function button(text: string, type: 'submit' | 'button'): HTMLButtonElement {
  return Object.assign(document.createElement('button'), { type, textContent: text, className: 'riffle-button' })
}
