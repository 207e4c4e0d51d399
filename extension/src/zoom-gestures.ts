/**
 * How a reader looks closer: drag over a part, pinch with two fingers (on a trackpad too), double-click to see all again; with keys +, -,
 * the arrows and 0.
 */
import { NOTHING_HELD, moved, stretched, zoomed, zoomedAround } from './zoom.ts'
import type { AxisName, HeldAxes } from './zoom.ts'

/** What the gestures need of the picture as it stands; null where nothing can be held. */
export interface ZoomTarget {
  readonly element: HTMLElement
  readonly holds: ReadonlySet<AxisName>
  /** Size of the plot, without axes, in px, and where in `element` it begins. */
  readonly plot: { readonly left: number; readonly top: number; readonly width: number; readonly height: number }
  domain(axis: AxisName): readonly [number, number] | null
  /** The value at so many px from the left or top of the plot. */
  invert(axis: AxisName, px: number): number
}

/** A movement shorter than this was a click. */
const LEAST_PX = 6
/** Fingers nearer to each other than this tell nothing. */
const PINCH_PX = 24

/** Of a pointer or a finger, in px of the window. */
interface PointerPlace {
  readonly clientX: number
  readonly clientY: number
}

interface Place {
  readonly x: number
  readonly y: number
}

export class ZoomGestures {
  #held: HeldAxes = NOTHING_HELD
  /** The axes as they stood before anything was held: further out there is nothing. */
  #whole: HeldAxes = NOTHING_HELD
  #from: Place | null = null
  #box: HTMLElement | null = null
  /** What was below two fingers when they came down, on the time axis or the one across. */
  #pinched: readonly [number, number] | null = null
  readonly #target: () => ZoomTarget | null
  readonly #changed: () => void

  constructor(room: HTMLElement, target: () => ZoomTarget | null, changed: () => void) {
    this.#target = target
    this.#changed = changed
    room.addEventListener('pointerdown', event => this.#begin(event))
    room.addEventListener('pointermove', event => this.#drag(room, event))
    room.addEventListener('pointerup', event => this.#end(event))
    room.addEventListener('pointercancel', () => this.#forget())
    room.addEventListener('dblclick', () => this.reset())
    // A browser that is left to itself would enlarge the page.
    room.addEventListener('touchstart', event => this.#beginPinch(event), { passive: false })
    room.addEventListener('touchmove', event => this.#pinch(event), { passive: false })
    for (const end of ['touchend', 'touchcancel'] as const)
      room.addEventListener(end, () => {
        this.#pinched = null
      })
    // Two fingers on a trackpad come as a wheel with the control key. Only of the chart somebody is at: scrolling waits for who listens.
    const onWheel = (event: WheelEvent): void => this.#wheel(event)
    room.addEventListener('focus', () => room.addEventListener('wheel', onWheel, { passive: false }))
    room.addEventListener('blur', () => room.removeEventListener('wheel', onWheel))
  }

  get held(): HeldAxes {
    return this.#held
  }

  /** Whether there is something to be looked at closer. */
  get offered(): boolean {
    return (this.#target()?.holds.size ?? 0) > 0
  }

  get holds(): boolean {
    return this.#held.x !== null || this.#held.y !== null
  }

  reset(): void {
    if (this.holds) this.#hold(NOTHING_HELD)
  }

  /** True when the key meant something here. */
  key(key: string): boolean {
    const domain = this.#target()?.holds.has('x') === true ? this.#target()?.domain('x') : null
    if (domain === null || domain === undefined) return false
    switch (key) {
      case '+':
      case '=':
        this.#hold({ ...this.#held, x: zoomed(domain, 0.5) })
        return true
      case '-':
        if (this.holds) this.#holdWithin(zoomed(domain, 2))
        return true
      case 'ArrowLeft':
      case 'ArrowRight':
        // What shows everything has nowhere to go, and the arrows are the notebook's.
        if (this.#held.x === null) return false
        this.#hold({ ...this.#held, x: moved(domain, key === 'ArrowLeft' ? -0.2 : 0.2) })
        return true
      case '0':
      case 'Escape':
        if (!this.holds) return false
        this.reset()
        return true
      default:
        return false
    }
  }

  #hold(held: HeldAxes): void {
    const target = this.#target()
    if (!this.holds && target !== null) this.#whole = { x: target.domain('x'), y: target.domain('y') }
    this.#held = held
    this.#changed()
  }

  #beginPinch(event: TouchEvent): void {
    const target = this.#target()
    const [one, other] = event.touches
    this.#pinched = null
    if (target?.holds.has('x') !== true || one === undefined || other === undefined || event.touches.length > 2) return
    event.preventDefault()
    this.#pinched = [target.invert('x', plotX(target, one)), target.invert('x', plotX(target, other))]
  }

  #pinch(event: TouchEvent): void {
    const target = this.#target()
    const [one, other] = event.touches
    if (this.#pinched === null || target === null || one === undefined || other === undefined) return
    event.preventDefault()
    const places = [plotX(target, one), plotX(target, other)] as const
    if (Math.abs(places[0] - places[1]) < PINCH_PX) return
    const x = stretched(this.#pinched, places, target.plot.width)
    if (x[1] > x[0]) this.#holdWithin(x)
  }

  #wheel(event: WheelEvent): void {
    const target = this.#target()
    const domain = target?.domain('x') ?? null
    if (!event.ctrlKey || target === null || domain === null) return
    event.preventDefault()
    const factor = Math.exp(Math.max(-50, Math.min(50, event.deltaY)) / 100)
    const x = zoomedAround(domain, target.invert('x', plotX(target, event)), factor)
    if (x[1] > x[0]) this.#holdWithin(x)
  }

  /** What would show more than there is shows all of it. */
  #holdWithin(x: readonly [number, number]): void {
    const whole = this.holds ? this.#whole.x : (this.#target()?.domain('x') ?? null)
    if (whole !== null && x[1] - x[0] >= whole[1] - whole[0]) this.reset()
    else this.#hold({ ...this.#held, x })
  }

  #begin(event: PointerEvent): void {
    // A finger scrolls the notebook.
    if (event.button !== 0 || event.pointerType === 'touch') return
    const target = this.#target()
    if (target === null || target.holds.size === 0) return
    const { left, top, width, height } = target.plot
    const { x, y } = placeOf(target.element, event)
    if (x >= left && x <= left + width && y >= top && y <= top + height) this.#from = { x, y }
  }

  #drag(room: HTMLElement, event: PointerEvent): void {
    const target = this.#target()
    if (this.#from === null || target === null) return
    const [from, to] = corners(target, this.#from, placeOf(target.element, event))
    if (this.#box === null && to.x - from.x < LEAST_PX) return
    if (this.#box === null) {
      room.setPointerCapture(event.pointerId)
      this.#box = Object.assign(document.createElement('div'), { className: 'riffle-zoom-box' })
    }
    // The picture may have been built anew under the pointer.
    if (this.#box.parentElement !== target.element) target.element.append(this.#box)
    Object.assign(this.#box.style, {
      left: `${from.x}px`,
      top: `${from.y}px`,
      width: `${to.x - from.x}px`,
      height: `${to.y - from.y}px`,
    })
  }

  #end(event: PointerEvent): void {
    const target = this.#target()
    const start = this.#from
    const dragged = this.#box !== null
    this.#forget()
    if (start === null || !dragged || target === null) return
    const [from, to] = corners(target, start, placeOf(target.element, event))
    if (to.x - from.x < LEAST_PX) return
    const { left, top } = target.plot
    const range = (axis: AxisName, a: number, b: number): readonly [number, number] | null => {
      if (!target.holds.has(axis)) return null
      const [one, other] = [target.invert(axis, a), target.invert(axis, b)]
      return one < other ? [one, other] : [other, one]
    }
    this.#hold({ x: range('x', from.x - left, to.x - left), y: range('y', from.y - top, to.y - top) })
  }

  #forget(): void {
    this.#from = null
    this.#box?.remove()
    this.#box = null
  }
}

/** How far to the right of where the plot begins. */
function plotX({ element, plot }: ZoomTarget, event: PointerPlace): number {
  return placeOf(element, event).x - plot.left
}

function placeOf(element: HTMLElement, event: PointerPlace): Place {
  const { left, top } = element.getBoundingClientRect()
  return { x: event.clientX - left, y: event.clientY - top }
}

/** The part of the plot between two places; as high as the plot where only `x` is held. */
function corners({ plot, holds }: ZoomTarget, a: Place, b: Place): readonly [Place, Place] {
  const right = plot.left + plot.width
  const bottom = plot.top + plot.height
  const within = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value))
  const xs = [within(a.x, plot.left, right), within(b.x, plot.left, right)] as const
  const ys = holds.has('y')
    ? ([within(a.y, plot.top, bottom), within(b.y, plot.top, bottom)] as const)
    : ([plot.top, bottom] as const)
  return [
    { x: Math.min(...xs), y: Math.min(...ys) },
    { x: Math.max(...xs), y: Math.max(...ys) },
  ]
}
