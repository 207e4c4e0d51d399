/** A line of the last values, as SVG: how the rate of a stream went, without axes. */

const WIDTH = 64
const HEIGHT = 16
const VALUES = 60

export interface Sparkline {
  readonly element: SVGElement
  /** One more value; the oldest of sixty goes. */
  add(value: number): void
}

export function makeSparkline(label: string): Sparkline {
  const element = svg('svg', { class: 'riffle-spark', width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}` })
  element.setAttribute('role', 'img')
  const line = svg('polyline', { points: '' })
  element.append(line)
  const values: number[] = []
  return {
    element,
    add(value) {
      values.push(value)
      if (values.length > VALUES) values.shift()
      line.setAttribute('points', sparkPoints(values))
      element.setAttribute('aria-label', `${label}, last minute: at most ${Math.round(Math.max(...values))}`)
    },
  }
}

/** `x,y` of each value; the newest is at the right edge, the largest at the top, zero at the bottom. */
export function sparkPoints(values: readonly number[]): string {
  const most = Math.max(...values, 1e-9)
  return values
    .map((value, index) => {
      const x = WIDTH - ((values.length - 1 - index) * WIDTH) / (VALUES - 1)
      const y = HEIGHT - 1 - (value / most) * (HEIGHT - 2)
      return `${x.toFixed(1)},${y.toFixed(1)}`
    })
    .join(' ')
}

function svg(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value))
  return node
}
