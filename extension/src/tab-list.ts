/** The row of tabs on top of a chart: one is in front, arrow keys go through those that are offered. */

export interface TabEntry {
  readonly name: string
  readonly label: string
}

export class TabList {
  readonly element = Object.assign(document.createElement('div'), { className: 'riffle-tabs' })
  readonly #buttons: ReadonlyMap<string, HTMLButtonElement>
  readonly #chosen: (name: string) => void

  /** `chosen` is called when the reader takes a tab. */
  constructor(entries: readonly TabEntry[], chosen: (name: string) => void) {
    this.#chosen = chosen
    this.#buttons = new Map(entries.map(entry => [entry.name, this.#makeButton(entry)]))
    this.element.setAttribute('role', 'tablist')
    this.element.append(...this.#buttons.values())
  }

  /** `offered` names in order; `front` is one of them. Hidden where there is nothing to choose. */
  show(offered: ReadonlySet<string>, front: string): void {
    this.element.hidden = offered.size < 2
    for (const [name, button] of this.#buttons) {
      button.hidden = !offered.has(name)
      button.setAttribute('aria-selected', String(name === front))
      button.tabIndex = name === front ? 0 : -1
    }
  }

  #makeButton({ name, label }: TabEntry): HTMLButtonElement {
    const button = Object.assign(document.createElement('button'), { type: 'button' as const, textContent: label })
    button.setAttribute('role', 'tab')
    button.addEventListener('click', () => this.#chosen(name))
    button.addEventListener('keydown', event => {
      if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return
      event.stopPropagation()
      const offered = [...this.#buttons].filter(([, other]) => !other.hidden)
      const step = event.key === 'ArrowLeft' ? offered.length - 1 : 1
      const next = offered[(offered.findIndex(([other]) => other === name) + step) % offered.length]
      if (next === undefined) return
      this.#chosen(next[0])
      next[1].focus()
    })
    return button
  }
}
