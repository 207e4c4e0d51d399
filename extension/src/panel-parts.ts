/** Pieces of the side panel. Everything is text; names come from streams and are nobody's HTML. */

export function setEmpty(list: HTMLElement, empty: boolean, text: string): void {
  let note = list.querySelector<HTMLElement>(':scope > .riffle-empty')
  if (!empty) {
    note?.remove()
    return
  }
  if (note === null) {
    note = element('li', 'riffle-empty')
    list.append(note)
  }
  setText(note, text)
}

export function heading(label: string, action: HTMLElement): HTMLElement {
  const node = element('div', 'riffle-panel-head')
  const text = element('h3', 'riffle-panel-title')
  text.textContent = label
  node.append(text, action)
  return node
}

export function button(text: string, label: string): HTMLButtonElement {
  const made = Object.assign(document.createElement('button'), { type: 'button' as const, textContent: text })
  made.className = 'riffle-button'
  made.setAttribute('aria-label', label)
  return made
}

export function element(tag: 'div' | 'span' | 'ul' | 'li' | 'h3', className: string): HTMLElement {
  return Object.assign(document.createElement(tag), { className })
}

export function setText(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

/** Its name, for who hears it and who points at it. */
export function setLabel(node: HTMLElement, name: string): void {
  if (node.getAttribute('aria-label') === name) return
  node.setAttribute('aria-label', name)
  node.title = name
}
