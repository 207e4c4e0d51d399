/** A `param` as a slider, field, choice or switch. It sends what the user sets and follows what others set. */
import { Widget } from '@lumino/widgets'
import { PARAM_MIME } from '../../stream/charts/protocol.ts'
import { readParam } from './read-bundle.ts'
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces'
import type { NotebookPort } from './notebook-port.ts'
import type { ParamBundle } from '../../stream/charts/protocol.ts'

type ParamValue = number | string | boolean

interface Field {
  readonly element: HTMLInputElement | HTMLSelectElement
  read(): ParamValue | null
  write(value: ParamValue): void
}

/** A slider being dragged sends at most this often. */
const SEND_EVERY_MS = 60

export class ParamRenderer extends Widget implements IRenderMime.IRenderer {
  readonly #port: NotebookPort | null
  #param: ParamBundle | null = null
  #trusted = false
  #field: Field | null = null
  #shown: HTMLElement | null = null
  #unfollow: (() => void) | null = null
  #timer: ReturnType<typeof setTimeout> | null = null

  constructor(port: NotebookPort | null) {
    super()
    this.addClass('riffle-output')
    this.#port = port
    port?.addRenderer(this)
  }

  override dispose(): void {
    if (this.isDisposed) return
    this.#port?.removeRenderer(this)
    this.#unfollow?.()
    if (this.#timer !== null) clearTimeout(this.#timer)
    super.dispose()
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.#param = readParam(model.data[PARAM_MIME])
    this.#trusted = model.trusted
    if (this.#param === null) this.node.textContent = 'Cannot show this param: run its cell again'
    else this.#build(this.#param)
    return Promise.resolve()
  }

  attachChart(): void {
    const param = this.#param
    this.#unfollow?.()
    this.#unfollow = null
    const link = this.#trusted ? (this.#port?.link ?? null) : null
    if (this.#field !== null) this.#field.element.disabled = link === null
    if (param === null || link === null) return
    this.#unfollow = link.followParam(param.name, value => this.#show(value))
  }

  restyle(): void {
    return
  }

  save(): void {
    return
  }

  #build(param: ParamBundle): void {
    const row = document.createElement('label')
    row.className = 'riffle-param'
    const name = row.appendChild(document.createElement('span'))
    name.textContent = param.name
    const field = fieldOf(param)
    row.append(field.element)
    const slider = field.element.type === 'range'
    this.#shown = slider ? row.appendChild(document.createElement('output')) : null
    this.#field = field
    field.element.addEventListener(slider ? 'input' : 'change', () => this.#send())
    this.node.replaceChildren(row)
    this.#show(param.value)
    this.attachChart()
  }

  #show(value: ParamValue): void {
    // A value that comes back while the user still drags would pull the knob away.
    if (this.#timer === null) this.#field?.write(value)
    if (this.#shown !== null) this.#shown.textContent = String(value)
  }

  #send(): void {
    const value = this.#field?.read() ?? null
    if (value !== null && this.#shown !== null) this.#shown.textContent = String(value)
    if (this.#timer !== null) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      const newest = this.#field?.read() ?? null
      if (newest !== null && this.#param !== null) this.#port?.link?.setParam(this.#param.name, newest)
    }, SEND_EVERY_MS)
  }
}

function fieldOf(param: ParamBundle): Field {
  if (param.choices !== undefined) return choiceField(param.choices)
  if (typeof param.value === 'boolean') return switchField()
  return typeof param.value === 'number' ? numberField(param) : textField()
}

function choiceField(choices: readonly (number | string)[]): Field {
  const element = document.createElement('select')
  for (const choice of choices) element.add(new Option(String(choice)))
  return {
    element,
    read: () => choices[element.selectedIndex] ?? null,
    write: value => {
      element.selectedIndex = choices.findIndex(choice => choice === value)
    },
  }
}

function switchField(): Field {
  const element = Object.assign(document.createElement('input'), { type: 'checkbox' })
  return {
    element,
    read: () => element.checked,
    write: value => {
      element.checked = value === true
    },
  }
}

function numberField({ min, max, step }: ParamBundle): Field {
  const bounded = min !== undefined && max !== undefined
  const element = Object.assign(document.createElement('input'), { type: bounded ? 'range' : 'number' })
  if (min !== undefined) element.min = String(min)
  if (max !== undefined) element.max = String(max)
  element.step = step === undefined ? (bounded ? String((max - min) / 100) : 'any') : String(step)
  return {
    element,
    read: () => (Number.isFinite(element.valueAsNumber) ? element.valueAsNumber : null),
    write: value => {
      element.value = String(value)
    },
  }
}

function textField(): Field {
  const element = Object.assign(document.createElement('input'), { type: 'text' })
  return {
    element,
    read: () => element.value,
    write: value => {
      element.value = String(value)
    },
  }
}
